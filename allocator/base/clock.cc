#include "poolscope/allocator/base/clock.h"

#include <time.h>

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
  static const MonotonicClock clock;
  return &clock;
}

}  // namespace poolscope
