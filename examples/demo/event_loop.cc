#include "poolscope/examples/demo/event_loop.h"

#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>

#include "poolscope/examples/demo/monotonic_time.h"

namespace poolscope::demo {
namespace {

constexpr uint64_t kWakeToken = 1;
constexpr uint64_t kTimerToken = 2;

// Both kinds of descriptor hold a count that a read takes away.
void Drain(const UniqueFd& fd) {
  uint64_t count = 0;
  // Nothing to do when there is none: the wait returned for another reason.
  [[maybe_unused]] const ssize_t n = read(fd.get(), &count, sizeof(count));
}

}  // namespace

absl::StatusOr<std::unique_ptr<EventLoop>> EventLoop::Create() {
  std::unique_ptr<EventLoop> loop(new EventLoop);
  const absl::Status status = loop->Init();
  if (!status.ok()) return status;
  return loop;
}

absl::Status EventLoop::Init() {
  epoll_ = UniqueFd(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_.valid()) return ErrnoStatus("epoll_create1");
  wake_ = UniqueFd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wake_.valid()) return ErrnoStatus("eventfd");
  timer_ =
      UniqueFd(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  if (!timer_.valid()) return ErrnoStatus("timerfd_create");
  absl::Status status = Add(wake_, kWakeToken, EPOLLIN);
  status.Update(Add(timer_, kTimerToken, EPOLLIN));
  return status;
}

absl::Status EventLoop::Add(const UniqueFd& fd, uint64_t token,
                            uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = token;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd.get(), &event) != 0) {
    return ErrnoStatus("epoll_ctl add");
  }
  return absl::OkStatus();
}

absl::Status EventLoop::Modify(const UniqueFd& fd, uint64_t token,
                               uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = token;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd.get(), &event) != 0) {
    return ErrnoStatus("epoll_ctl modify");
  }
  return absl::OkStatus();
}

void EventLoop::Remove(const UniqueFd& fd) {
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd.get(), nullptr);
}

void EventLoop::ArmTimer(absl::Duration deadline) {
  if (deadline == armed_) return;
  armed_ = deadline;
  itimerspec spec{};  // all zero: disarmed
  if (deadline != absl::InfiniteDuration()) {
    // Zero would disarm where the deadline has long passed.
    spec.it_value = absl::ToTimespec(std::max(deadline, absl::Nanoseconds(1)));
  }
  timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &spec, nullptr);
}

absl::Span<const EventLoop::Ready> EventLoop::Wait(absl::Duration deadline,
                                                   void (*before_sleep)()) {
  int count = epoll_wait(epoll_.get(), events_.data(), kMaxEvents, 0);
  if (count == 0 && MonotonicNow() < deadline) {
    ArmTimer(deadline);
    if (before_sleep != nullptr) before_sleep();
    count = epoll_wait(epoll_.get(), events_.data(), kMaxEvents, -1);
  }
  size_t ready = 0;
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events_[static_cast<size_t>(i)];
    if (event.data.u64 == kWakeToken) {
      Drain(wake_);
    } else if (event.data.u64 == kTimerToken) {
      Drain(timer_);
      armed_ = absl::InfiniteDuration();
    } else {
      ready_[ready++] = Ready{event.data.u64, event.events};
    }
  }
  return absl::MakeConstSpan(ready_.data(), ready);
}

void EventLoop::Wake() {
  const uint64_t one = 1;
  // Only fails when the count is full: the loop is being woken already.
  [[maybe_unused]] const ssize_t n = write(wake_.get(), &one, sizeof(one));
}

}  // namespace poolscope::demo
