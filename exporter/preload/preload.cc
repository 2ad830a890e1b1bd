// Where the preloaded library begins: see docs/preload.md.
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <exception>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "poolscope/exporter/preload/listener.h"
#include "poolscope/exporter/preload/preload_options.h"

namespace poolscope {
namespace {

// Before main(), and before the constructors of the program's own libraries. A
// program that runs with more rights than who started it is left alone: its
// environment is a stranger's.
__attribute__((constructor)) void BeginListening() {
  try {
    absl::StatusOr<std::optional<PreloadOptions>> options =
        ReadPreloadOptions(secure_getenv, program_invocation_short_name);
    if (!options.ok()) {
      SayOnStderr(options.status().message());
    } else if (options->has_value()) {
      Listener::Begin(**std::move(options));
    }
  } catch (const std::exception&) {
    // No memory: the program runs without.
  }
}

}  // namespace
}  // namespace poolscope
