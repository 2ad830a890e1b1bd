// StopSignal: SIGINT and SIGTERM as something to wait for.
//
// Made before any thread is started, so that all of them inherit the blocked
// signals and no handler ever runs. After the first signal, Release() lets the
// next one end the process at once, as it does by default.
//
// Thread-compatible. One per process.
#ifndef POOLSCOPE_EXAMPLES_DEMO_STOP_SIGNAL_H_
#define POOLSCOPE_EXAMPLES_DEMO_STOP_SIGNAL_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "poolscope/examples/demo/socket.h"

namespace poolscope::demo {

class StopSignal {
 public:
  // Blocks both signals in the calling thread, and so in those it starts.
  static absl::StatusOr<StopSignal> Create();

  // Waits until a signal comes (true) or MonotonicNow() reaches `deadline`.
  [[nodiscard]] bool WaitUntil(absl::Duration deadline);

  void Release();

 private:
  explicit StopSignal(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
};

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_STOP_SIGNAL_H_
