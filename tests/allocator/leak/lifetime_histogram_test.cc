#include "poolscope/allocator/leak/lifetime_histogram.h"

#include <cstdint>
#include <limits>

#include "gtest/gtest.h"

namespace poolscope {
namespace {

TEST(LifetimeHistogramTest, IsZeroWithoutLifetimes) {
  EXPECT_EQ(LifetimeHistogram().P99Nanos(), 0);
}

TEST(LifetimeHistogramTest, AnswersWithTheUpperEndOfABucket) {
  const struct {
    int64_t nanos;
    int64_t p99;
  } kCases[] = {{-5, 2},
                {0, 2},
                {1, 2},
                {2, 4},
                {3, 4},
                {4, 8},
                {1023, 1024},
                {1024, 2048},
                {(int64_t{1} << 62) - 1, int64_t{1} << 62},
                {int64_t{1} << 62, std::numeric_limits<int64_t>::max()},
                {std::numeric_limits<int64_t>::max(),
                 std::numeric_limits<int64_t>::max()}};
  for (const auto& c : kCases) {
    LifetimeHistogram histogram;
    histogram.Add(c.nanos);
    EXPECT_EQ(histogram.P99Nanos(), c.p99) << c.nanos;
  }
}

TEST(LifetimeHistogramTest, OneInAHundredIsLeftOut) {
  LifetimeHistogram histogram;
  histogram.Add(1 << 20);
  EXPECT_EQ(histogram.P99Nanos(), 1 << 21);
  for (int i = 0; i < 98; ++i) histogram.Add(1000);
  EXPECT_EQ(histogram.P99Nanos(), 1 << 21) << "one of 99";
  histogram.Add(1000);
  EXPECT_EQ(histogram.P99Nanos(), 1024) << "one of 100";
  histogram.Add(1 << 20);
  EXPECT_EQ(histogram.P99Nanos(), 1 << 21) << "two of 101";
  EXPECT_EQ(histogram.count(), 101u);
}

}  // namespace
}  // namespace poolscope
