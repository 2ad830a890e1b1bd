#include "poolscope/allocator/base/clock.h"

#include <time.h>

#include <new>

namespace poolscope {
namespace {

int64_t Read(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

class MonotonicClock final : public Clock {
 public:
  int64_t NowNanos() const override { return Read(CLOCK_MONOTONIC_COARSE); }
};

}  // namespace

int64_t PreciseNanos() { return Read(CLOCK_MONOTONIC); }

const Clock* Clock::Real() {
  // Static objects may ask for the time after this would have been destroyed.
  alignas(MonotonicClock) static char storage[sizeof(MonotonicClock)];
  static const Clock* const clock = new (storage) MonotonicClock;
  return clock;
}

}  // namespace poolscope
