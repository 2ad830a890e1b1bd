// Clock: the time source behind everything in poolscope that waits or ages.
//
// Empty-chunk decay, idle trim and sample ages ask a Clock, never the system
// directly, so that a test can reach every state by advancing a SimulatedClock.
// The fast paths of the allocator read no clock at all.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_ALLOCATOR_BASE_CLOCK_H_
#define POOLSCOPE_ALLOCATOR_BASE_CLOCK_H_

#include <atomic>
#include <cstdint>

#include "absl/time/time.h"

namespace poolscope {

// Nanoseconds of CLOCK_MONOTONIC, about 22 ns a read: for measuring how long
// something took, which no simulated clock can tell.
int64_t PreciseNanos();

class Clock {
 public:
  virtual ~Clock() = default;

  // Nanoseconds since an arbitrary fixed point; never goes back.
  virtual int64_t NowNanos() const = 0;

  // The process-wide monotonic clock (CLOCK_MONOTONIC_COARSE: a few ns a read,
  // at most one scheduler tick late). Never null, never destroyed.
  static const Clock* Real();
};

// A clock that stands still until it is told to advance.
class SimulatedClock final : public Clock {
 public:
  int64_t NowNanos() const override {
    return now_.load(std::memory_order_acquire);
  }
  void Advance(absl::Duration by) {
    now_.fetch_add(absl::ToInt64Nanoseconds(by), std::memory_order_acq_rel);
  }

 private:
  // Starts at one second so that "a while ago" is representable.
  std::atomic<int64_t> now_{1'000'000'000};
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_BASE_CLOCK_H_
