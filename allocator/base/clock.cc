#include "poolscope/allocator/base/clock.h"

#include <time.h>

#include <new>

namespace poolscope {
namespace {

class MonotonicClock final : public Clock {
 public:
  int64_t NowNanos() const override {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
  }
};

}  // namespace

const Clock* Clock::Real() {
  // Static objects may ask for the time after this would have been destroyed.
  alignas(MonotonicClock) static char storage[sizeof(MonotonicClock)];
  static const Clock* const clock = new (storage) MonotonicClock;
  return clock;
}

}  // namespace poolscope
