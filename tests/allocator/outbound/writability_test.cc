#include "poolscope/allocator/outbound/writability.h"

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace poolscope {
namespace {

constexpr WritabilityChange kNone = WritabilityChange::kNone;
constexpr WritabilityChange kUnwritable = WritabilityChange::kUnwritable;
constexpr WritabilityChange kWritable = WritabilityChange::kWritable;

TEST(WatermarksTest, DefaultsAreNettys) {
  EXPECT_EQ(Watermarks().low_bytes, 32768);
  EXPECT_EQ(Watermarks().high_bytes, 65536);
  EXPECT_FALSE(Watermarks().off());
}

TEST(WatermarksTest, LowIsAboveZeroAndAtMostHigh) {
  EXPECT_TRUE(ValidateWatermarks({1, 1}).ok());
  EXPECT_TRUE(ValidateWatermarks({1, 2}).ok());
  EXPECT_TRUE(ValidateWatermarks(Watermarks::Off()).ok());
  EXPECT_EQ(ValidateWatermarks({0, 2}).code(),
            absl::StatusCode::kInvalidArgument);
  const absl::Status crossed = ValidateWatermarks({3, 2});
  EXPECT_EQ(crossed.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(std::string(crossed.message()),
            "watermarks of 3 and 2 bytes: the low one must be above 0 and at "
            "most the high one");
}

TEST(WritabilityTest, BecomesUnwritableAboveHigh) {
  for (uint64_t first : {99, 100}) {
    Writability state({50, 100});
    EXPECT_EQ(state.Add(first), kNone);
    EXPECT_TRUE(state.writable());
    EXPECT_EQ(state.BytesBeforeUnwritable(), 101 - first);
    EXPECT_EQ(state.Add(101 - first - 1), kNone);
    EXPECT_EQ(state.Add(1), kUnwritable);
    EXPECT_FALSE(state.writable());
    EXPECT_EQ(state.pending_bytes(), 101);
    EXPECT_EQ(state.BytesBeforeUnwritable(), 0);
  }
}

TEST(WritabilityTest, BecomesWritableBelowLow) {
  Writability state({50, 100});
  EXPECT_EQ(state.Add(101), kUnwritable);
  EXPECT_EQ(state.BytesBeforeWritable(), 52);
  EXPECT_EQ(state.Remove(50), kNone);  // to 51
  EXPECT_EQ(state.BytesBeforeWritable(), 2);
  EXPECT_EQ(state.Remove(1), kNone);  // to 50
  EXPECT_FALSE(state.writable());
  EXPECT_EQ(state.BytesBeforeWritable(), 1);
  EXPECT_EQ(state.Remove(1), kWritable);  // to 49
  EXPECT_TRUE(state.writable());
  EXPECT_EQ(state.BytesBeforeWritable(), 0);
  EXPECT_EQ(state.BytesBeforeUnwritable(), 52);
}

TEST(WritabilityTest, StaysWhatItWasBetweenTheWatermarks) {
  Writability state({50, 100});
  EXPECT_EQ(state.Add(75), kNone);
  EXPECT_EQ(state.Add(26), kUnwritable);
  EXPECT_EQ(state.Remove(26), kNone);  // to 75 again
  EXPECT_EQ(state.Add(25), kNone);
  EXPECT_EQ(state.Add(1), kNone);  // above high once more
  EXPECT_EQ(state.Remove(51), kNone);
  EXPECT_EQ(state.Remove(1), kWritable);
  EXPECT_EQ(state.Add(51), kNone);  // to 100
  EXPECT_TRUE(state.writable());
}

TEST(WritabilityTest, WatermarksMayBeEqual) {
  Writability state({100, 100});
  EXPECT_EQ(state.Add(100), kNone);
  EXPECT_EQ(state.Add(1), kUnwritable);
  EXPECT_EQ(state.Remove(1), kNone);  // to 100: not below
  EXPECT_EQ(state.Remove(1), kWritable);
  EXPECT_EQ(state.Add(1), kNone);  // to 100: not above
  EXPECT_EQ(state.Add(1), kUnwritable);
}

TEST(WritabilityTest, CrossesBothWatermarksInOneStep) {
  Writability state({1, 1});
  EXPECT_EQ(state.Add(1000), kUnwritable);
  EXPECT_EQ(state.Remove(1000), kWritable);
  EXPECT_EQ(state.pending_bytes(), 0);
}

TEST(WritabilityTest, WithoutWatermarksBytesAreNoReason) {
  Writability state(Watermarks::Off());
  EXPECT_EQ(state.BytesBeforeUnwritable(), Watermarks::kOff);
  EXPECT_EQ(state.Add(uint64_t{1} << 60), kNone);
  EXPECT_EQ(state.BytesBeforeUnwritable(), Watermarks::kOff);
  EXPECT_EQ(state.BytesBeforeWritable(), 0);
  EXPECT_EQ(state.SetUserFlag(1, false), kUnwritable);
  EXPECT_EQ(state.BytesBeforeUnwritable(), 0);
  EXPECT_EQ(state.Remove(uint64_t{1} << 60), kNone);
  EXPECT_EQ(state.SetUserFlag(1, true), kWritable);
}

TEST(WritabilityTest, AnyUserFlagThatIsOffMakesUnwritable) {
  Writability state(Watermarks{});
  EXPECT_EQ(state.SetUserFlag(1, false), kUnwritable);
  EXPECT_EQ(state.SetUserFlag(2, false), kNone);
  EXPECT_EQ(state.SetUserFlag(1, true), kNone);
  EXPECT_FALSE(state.user_flag(2));
  EXPECT_TRUE(state.user_flag(1));
  EXPECT_EQ(state.SetUserFlag(2, true), kWritable);
}

TEST(WritabilityTest, SettingAFlagAsItIsChangesNothing) {
  Writability state(Watermarks{});
  EXPECT_EQ(state.SetUserFlag(31, true), kNone);
  EXPECT_EQ(state.SetUserFlag(31, false), kUnwritable);
  EXPECT_EQ(state.SetUserFlag(31, false), kNone);
  EXPECT_EQ(state.SetUserFlag(31, true), kWritable);
}

TEST(WritabilityTest, EachFlagIsOneReason) {
  Writability state(Watermarks{});
  for (int i = 1; i <= 31; ++i) {
    EXPECT_EQ(state.SetUserFlag(i, false), i == 1 ? kUnwritable : kNone) << i;
  }
  for (int i = 1; i <= 31; ++i) {
    EXPECT_FALSE(state.user_flag(i)) << i;
    EXPECT_EQ(state.SetUserFlag(i, true), i == 31 ? kWritable : kNone) << i;
    EXPECT_TRUE(state.user_flag(i)) << i;
  }
}

TEST(WritabilityTest, BytesAndFlagsAreReasonsEachByItself) {
  Writability state({50, 100});
  EXPECT_EQ(state.Add(101), kUnwritable);
  EXPECT_EQ(state.SetUserFlag(1, false), kNone);
  EXPECT_EQ(state.Remove(101), kNone);
  EXPECT_EQ(state.BytesBeforeWritable(), 0) << "bytes are no reason";
  EXPECT_EQ(state.SetUserFlag(1, true), kWritable);

  EXPECT_EQ(state.SetUserFlag(1, false), kUnwritable);
  EXPECT_EQ(state.Add(75), kNone);
  EXPECT_EQ(state.BytesBeforeWritable(), 0) << "between the watermarks";
  EXPECT_EQ(state.Add(26), kNone);
  EXPECT_EQ(state.BytesBeforeWritable(), 52);
  EXPECT_EQ(state.SetUserFlag(1, true), kNone);
  EXPECT_EQ(state.Remove(52), kWritable);
}

TEST(WritabilityDeathTest, AnotherFlagDies) {
  Writability state(Watermarks{});
  EXPECT_DEATH(state.SetUserFlag(0, false), "user flag 0 of writability");
  EXPECT_DEATH(state.SetUserFlag(32, false), "user flag 32 of writability");
  EXPECT_DEATH((void)state.user_flag(-1), "there are 1 to 31");
}

TEST(WritabilityDeathTest, RemovingMoreThanWasAddedDies) {
  Writability state(Watermarks{});
  state.Add(10);
  EXPECT_DEATH(state.Remove(11), "11 bytes no longer wait, of 10 that do");
  EXPECT_EQ(state.Remove(10), kNone);
}

}  // namespace
}  // namespace poolscope
