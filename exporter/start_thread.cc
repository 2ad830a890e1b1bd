#include "poolscope/exporter/start_thread.h"

#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace poolscope {

absl::StatusOr<std::thread> StartThread(std::function<void()> run) {
  // The one place where the standard library reports this, by an exception.
  try {
    return std::thread(std::move(run));
  } catch (const std::system_error& error) {
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot start a thread: ", error.code().message(),
                     ": raise ulimit -u or -v"));
  }
}

}  // namespace poolscope
