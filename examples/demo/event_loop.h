// EventLoop: one thread's wait for sockets, a deadline and other threads.
//
//   loop.Add(fd, token, EPOLLIN);
//   while (!done) {
//     for (const EventLoop::Ready& ready : loop.Wait(deadline, on_idle)) {
//       // Look the token up; it may be gone since this Wait().
//     }
//   }
//
// Descriptors are named by a token that the caller chooses, not by a pointer:
// an event for a connection that an earlier event of the same batch closed
// finds nothing instead of freed memory. Level-triggered.
//
// Thread safety: thread-compatible, but for Wake(), which any thread may call
// while the loop lives.
#ifndef POOLSCOPE_EXAMPLES_DEMO_EVENT_LOOP_H_
#define POOLSCOPE_EXAMPLES_DEMO_EVENT_LOOP_H_

#include <sys/epoll.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "poolscope/examples/demo/socket.h"

namespace poolscope::demo {

class EventLoop {
 public:
  struct Ready {
    uint64_t token = 0;
    uint32_t events = 0;  // EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR
  };

  // Tokens below are the loop's own.
  static constexpr uint64_t kFirstToken = 16;

  static absl::StatusOr<std::unique_ptr<EventLoop>> Create();

  absl::Status Add(const UniqueFd& fd, uint64_t token, uint32_t events);
  absl::Status Modify(const UniqueFd& fd, uint64_t token, uint32_t events);
  // Before the descriptor is closed.
  void Remove(const UniqueFd& fd);

  // Waits until a descriptor is ready, Wake() was called, or MonotonicNow()
  // reaches `deadline` (InfiniteDuration: never), and returns what is ready,
  // valid until the next call. Calls `before_sleep`, unless null, when nothing
  // is ready yet and the thread is about to sleep.
  absl::Span<const Ready> Wait(absl::Duration deadline, void (*before_sleep)());

  // Makes the current or the next Wait() return.
  void Wake();

 private:
  static constexpr size_t kMaxEvents = 256;

  EventLoop() = default;

  absl::Status Init();
  void ArmTimer(absl::Duration deadline);

  UniqueFd epoll_;
  UniqueFd wake_;
  UniqueFd timer_;
  absl::Duration armed_ = absl::InfiniteDuration();
  std::array<epoll_event, kMaxEvents> events_{};
  std::array<Ready, kMaxEvents> ready_{};
};

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_EVENT_LOOP_H_
