#include "poolscope/examples/demo/sizing.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "absl/strings/match.h"
#include "absl/time/time.h"

namespace poolscope::demo {
namespace {

constexpr uint64_t kMiB = 1 << 20;

// 14 KiB, 200 a second, answered within 100 ms: the worked example that the
// demo's default scenario replays.
SizingInput Steady() {
  SizingInput input;
  input.rate = 200;
  input.round_trip = absl::Milliseconds(100);
  input.message_bytes = 14336;
  input.arenas = 4;
  input.threads = 4;
  input.chunk_bytes = 4 * kMiB;
  input.thread_cache_bytes = 2 * kMiB;
  input.channels = 64;
  input.high_watermark = 64 << 10;
  input.limit_bytes = 256 * kMiB;
  return input;
}

TEST(SizingTest, PayloadInFlightIsRateTimesRoundTripTimesSizeTimesTwo) {
  const Sizing sizing = Predict(Steady());
  EXPECT_EQ(sizing.in_flight_messages, 20u);
  EXPECT_EQ(sizing.payload_bytes, 560u << 10);
}

TEST(SizingTest, TheFloorIsAChunkAnArenaOrWhatIsHeldWhicheverIsMore) {
  SizingInput input = Steady();
  EXPECT_EQ(Predict(input).floor_bytes, 16 * kMiB);
  input.thread_cache_bytes = 8 * kMiB;
  EXPECT_EQ(Predict(input).floor_bytes, 36 * kMiB);
}

TEST(SizingTest, WithoutAStallThereIsNoBacklog) {
  const Sizing sizing = Predict(Steady());
  EXPECT_EQ(sizing.backlog_bytes, 0u);
  EXPECT_EQ(sizing.peak_bytes, sizing.floor_bytes);
}

TEST(SizingTest, AWatermarkBoundsTheBacklogWhateverTheStall) {
  SizingInput input = Steady();
  input.stall = absl::Seconds(20);
  const uint64_t expected =
      64 * (65536 + 1 + 14336 + 96) + uint64_t{20} * 14336;
  EXPECT_EQ(Predict(input).backlog_bytes, expected);
  input.stall = absl::Seconds(2000);
  EXPECT_EQ(Predict(input).backlog_bytes, expected);
}

TEST(SizingTest, WithoutAWatermarkTheBacklogGrowsWithTheStallUpToTheLimit) {
  SizingInput input = Steady();
  input.high_watermark.reset();
  input.stall = absl::Seconds(20);
  EXPECT_EQ(Predict(input).backlog_bytes, uint64_t{4000} * 14336);
  EXPECT_EQ(Predict(input).peak_bytes, 72 * kMiB);
  input.stall = absl::Seconds(200);
  EXPECT_EQ(Predict(input).peak_bytes, 256 * kMiB);
}

TEST(SizingTest, TheBoundOfTheBacklogCountsEntriesToo) {
  EXPECT_EQ(BacklogBound(64, 65536, 3, 14360),
            uint64_t{64} * (65536 + 3 * (14360 + 96)));
}

TEST(SizingTest, TheBudgetIsKeptAtItsEdgeAndNotAbove) {
  const SizingInput input = Steady();
  Measured measured;
  measured.peak_bytes = 16 * kMiB;
  EXPECT_TRUE(absl::StrContains(
      SizingText(input, Predict(input), 16 * kMiB, measured), "kept"));
  const std::string text =
      SizingText(input, Predict(input), 16 * kMiB - 1024, measured);
  EXPECT_TRUE(absl::StrContains(text, "exceeded by 1.0 KiB")) << text;
}

}  // namespace
}  // namespace poolscope::demo
