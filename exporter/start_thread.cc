#include "poolscope/exporter/start_thread.h"

#include <future>
#include <system_error>
#include <utility>
#include <vector>

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

absl::Status CheckThreads(int count) {
  std::promise<void> enough;
  const std::shared_future<void> end = enough.get_future().share();
  std::vector<std::thread> threads;
  absl::Status status;
  while (status.ok() && static_cast<int>(threads.size()) < count) {
    absl::StatusOr<std::thread> thread = StartThread([end] { end.wait(); });
    status = thread.status();
    if (thread.ok()) threads.push_back(*std::move(thread));
  }
  enough.set_value();
  for (std::thread& thread : threads) thread.join();
  return status;
}

}  // namespace poolscope
