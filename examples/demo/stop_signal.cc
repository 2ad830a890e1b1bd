#include "poolscope/examples/demo/stop_signal.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>

#include "poolscope/examples/demo/monotonic_time.h"

namespace poolscope::demo {
namespace {

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

}  // namespace

absl::StatusOr<StopSignal> StopSignal::Create() {
  // A shell starts background jobs with SIGINT ignored.
  signal(SIGINT, SIG_DFL);
  signal(SIGTERM, SIG_DFL);
  const sigset_t signals = StopSignals();
  if (pthread_sigmask(SIG_BLOCK, &signals, nullptr) != 0) {
    return absl::InternalError("cannot block SIGINT and SIGTERM");
  }
  UniqueFd fd(signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus("signalfd");
  return StopSignal(std::move(fd));
}

bool StopSignal::WaitUntil(absl::Duration deadline) {
  while (true) {
    const absl::Duration left =
        std::max(deadline - MonotonicNow(), absl::ZeroDuration());
    const timespec timeout = absl::ToTimespec(left);
    pollfd poll{fd_.get(), POLLIN, 0};
    const int ready =
        ppoll(&poll, 1, left == absl::InfiniteDuration() ? nullptr : &timeout,
              nullptr);
    if (ready > 0) {
      signalfd_siginfo info{};
      return read(fd_.get(), &info, sizeof(info)) == sizeof(info);
    }
    if (ready == 0) return false;
  }
}

void StopSignal::Release() {
  const sigset_t signals = StopSignals();
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

}  // namespace poolscope::demo
