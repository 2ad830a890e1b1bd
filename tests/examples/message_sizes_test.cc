#include "poolscope/examples/demo/message_sizes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace poolscope::demo {
namespace {

constexpr uint32_t kMin = 1 << 10;
constexpr uint32_t kMax = 100 << 20;
constexpr uint64_t kDraws = 200000;

TEST(MessageSizesTest, TheSameSeedHasTheSameSize) {
  const MessageSizes sizes(kMin, kMax);
  const MessageSizes others(kMin, kMax);
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    EXPECT_EQ(sizes.SizeOf(seed), others.SizeOf(seed)) << seed;
  }
}

TEST(MessageSizesTest, KeepsItsBoundsAndComesNearBoth) {
  const MessageSizes sizes(kMin, kMax);
  uint32_t smallest = kMax;
  uint32_t largest = kMin;
  for (uint64_t seed = 0; seed < kDraws; ++seed) {
    const uint32_t size = sizes.SizeOf(seed);
    ASSERT_GE(size, kMin);
    ASSERT_LE(size, kMax);
    smallest = std::min(smallest, size);
    largest = std::max(largest, size);
  }
  EXPECT_LT(smallest, kMin + 2);
  EXPECT_GT(largest, kMax - (kMax >> 4));
}

TEST(MessageSizesTest, EqualBoundsLeaveOneSize) {
  const MessageSizes sizes(4096, 4096);
  for (uint64_t seed = 0; seed < 100; ++seed) {
    EXPECT_EQ(sizes.SizeOf(seed), 4096u);
  }
  EXPECT_EQ(sizes.mean_bytes(), 4096);
}

// Consecutive seeds, as a load has them, wherever they begin.
class ShapeTest : public testing::TestWithParam<uint64_t> {};

TEST_P(ShapeTest, IsTheOnePromised) {
  const MessageSizes sizes(kMin, kMax);
  for (const double bound : {2048.0, 8192.0, 65536.0, 0x1p20, 0x1p23}) {
    uint64_t above = 0;
    for (uint64_t i = 0; i < kDraws; ++i) {
      above += sizes.SizeOf(GetParam() + i) > bound ? 1 : 0;
    }
    const double share = sizes.ShareAbove(bound);
    const double expected = share * kDraws;
    // Five standard deviations.
    EXPECT_NEAR(static_cast<double>(above), expected,
                5 * std::sqrt(expected * (1 - share)))
        << bound;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ShapeTest,
                         testing::Values(0, uint64_t{1} << 48,
                                         (uint64_t{1} << 48) +
                                             (uint64_t{1} << 40)));

TEST(MessageSizesTest, MeanIsTheGeometricOneOfTheBounds) {
  // Narrow enough that so many draws find it.
  const MessageSizes sizes(1 << 10, 1 << 20);
  EXPECT_EQ(sizes.mean_bytes(), 32 << 10);
  double sum = 0;
  for (uint64_t seed = 0; seed < kDraws; ++seed) sum += sizes.SizeOf(seed);
  EXPECT_NEAR(sum / kDraws, sizes.mean_bytes(), sizes.mean_bytes() / 30);
}

TEST(MessageSizesTest, ShareAboveEndsAtTheBounds) {
  const MessageSizes sizes(kMin, kMax);
  EXPECT_EQ(sizes.ShareAbove(kMin - 1), 1);
  EXPECT_EQ(sizes.ShareAbove(kMin), 1);
  EXPECT_GT(sizes.ShareAbove(kMax - 1), 0);
  EXPECT_EQ(sizes.ShareAbove(kMax), 0);
  EXPECT_NEAR(1 / sizes.ShareAbove(8 << 20), 126, 1);
  EXPECT_NEAR(1 / sizes.ShareAbove(50 << 20), 770, 1);
}

}  // namespace
}  // namespace poolscope::demo
