#include "poolscope/allocator/base/clock.h"

#include <time.h>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace poolscope {
namespace {

int64_t Nanos(clockid_t id) {
  timespec now;
  clock_gettime(id, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

TEST(ClockTest, RealClockIsTheCoarseMonotonicOne) {
  const int64_t before = Nanos(CLOCK_MONOTONIC_COARSE);
  const int64_t now = Clock::Real()->NowNanos();
  const int64_t after = Nanos(CLOCK_MONOTONIC);
  EXPECT_GE(now, before);
  EXPECT_LE(now, after);
}

TEST(ClockTest, RealClockIsOneObject) {
  EXPECT_EQ(Clock::Real(), Clock::Real());
}

TEST(ClockTest, SimulatedClockStandsStillUntilAdvanced) {
  SimulatedClock clock;
  const int64_t start = clock.NowNanos();
  EXPECT_EQ(start, 1'000'000'000);
  EXPECT_EQ(clock.NowNanos(), start);
  clock.Advance(absl::Nanoseconds(1));
  EXPECT_EQ(clock.NowNanos(), start + 1);
  clock.Advance(absl::Seconds(10));
  EXPECT_EQ(clock.NowNanos(), start + 10'000'000'001);
}

}  // namespace
}  // namespace poolscope
