// PreloadOptions: what the environment asks of the preloaded library.
//
// clang-format off
//   POOLSCOPE_LISTEN=127.0.0.1:0   where to listen; nothing happens without it
//   POOLSCOPE_PROGRAM=nginx        only in programs started by this name
//   POOLSCOPE_FORK=listen          each child listens too, on another port;
//                                  "takeover" (the default): a child listens
//                                  once its parent has ended; "off": never
//   POOLSCOPE_PORT_FILE=/run/port  where to write the port, "%p" being the
//                                  process's id
//   POOLSCOPE_VERBOSE=1            says on standard error what it listens on
// clang-format on
//
// Thread safety: a plain value.
#ifndef POOLSCOPE_EXPORTER_PRELOAD_PRELOAD_OPTIONS_H_
#define POOLSCOPE_EXPORTER_PRELOAD_PRELOAD_OPTIONS_H_

#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "poolscope/exporter/listen_address.h"

namespace poolscope {

struct PreloadOptions {
  enum class Fork { kTakeOver, kListen, kOff };

  ListenAddress address;  // loopback
  Fork fork = Fork::kTakeOver;
  std::string port_file;  // empty: none
  bool verbose = false;
};

// Nothing where this program is not to be shown. `variable` is the value of an
// environment variable or null, `program` the name that this one was started
// by. InvalidArgumentError names the variable, its value and what is expected.
absl::StatusOr<std::optional<PreloadOptions>> ReadPreloadOptions(
    const std::function<const char*(const char*)>& variable,
    absl::string_view program);

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_PRELOAD_PRELOAD_OPTIONS_H_
