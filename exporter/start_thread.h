// StartThread: std::thread, with a Status where the system gives no thread.
//
//   absl::StatusOr<std::thread> thread = StartThread([this] { Loop(); });
//   if (!thread.ok()) return thread.status();
//   thread_ = *std::move(thread);
//
// Thread-safe. The caller owns the thread and joins it.
#ifndef POOLSCOPE_EXPORTER_START_THREAD_H_
#define POOLSCOPE_EXPORTER_START_THREAD_H_

#include <functional>
#include <thread>

#include "absl/status/statusor.h"

namespace poolscope {

// ResourceExhaustedError, with the system's reason and the remedy, when there
// is no room for another thread; `run` is then never called.
[[nodiscard]] absl::StatusOr<std::thread> StartThread(
    std::function<void()> run);

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_START_THREAD_H_
