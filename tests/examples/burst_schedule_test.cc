#include "poolscope/examples/demo/burst_schedule.h"

#include <gtest/gtest.h>

#include "absl/time/time.h"

namespace poolscope::demo {
namespace {

TEST(BurstScheduleTest, WithoutAPeriodNothingMoves) {
  const BurstSchedule even;
  for (const absl::Duration at :
       {absl::ZeroDuration(), absl::Milliseconds(1), absl::Hours(3)}) {
    EXPECT_EQ(even.At(at), at);
  }
}

TEST(BurstScheduleTest, PressesEachPeriodIntoItsShare) {
  const BurstSchedule bursts{absl::Seconds(4), 0.25};
  EXPECT_EQ(bursts.At(absl::ZeroDuration()), absl::ZeroDuration());
  EXPECT_EQ(bursts.At(absl::Seconds(2)), absl::Milliseconds(500));
  EXPECT_EQ(bursts.At(absl::Milliseconds(3996)), absl::Milliseconds(999));
  EXPECT_EQ(bursts.At(absl::Seconds(4)), absl::Seconds(4));
  EXPECT_EQ(bursts.At(absl::Seconds(4 * 100 + 1)),
            absl::Seconds(4 * 100) + absl::Milliseconds(250));
}

TEST(BurstScheduleTest, KeepsTheNumberOfEachPeriodAndTheOrder) {
  const BurstSchedule bursts{absl::Seconds(1), 0.1};
  int in_period[5] = {};
  absl::Duration last = -absl::Nanoseconds(1);
  for (int i = 0; i < 500; ++i) {
    const absl::Duration at = bursts.At(absl::Milliseconds(10) * i);
    EXPECT_GT(at, last);
    last = at;
    const absl::Duration begin = absl::Floor(at, bursts.period);
    EXPECT_LT(at - begin, absl::Milliseconds(100));
    ++in_period[absl::ToInt64Seconds(begin)];
  }
  for (const int messages : in_period) EXPECT_EQ(messages, 100);
}

}  // namespace
}  // namespace poolscope::demo
