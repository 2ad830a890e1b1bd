#include "poolscope/allocator/leak/leak_scope.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/leak/expect_no_leaks.h"
#include "poolscope/allocator/leak/leak_detector.h"

namespace poolscope {
namespace {

std::shared_ptr<LeakDetector> MakeDetector(LeakLevel level,
                                           size_t max_tracked = 1000) {
  LeakDetectorOptions options;
  options.level = level;
  options.max_tracked = max_tracked;
  options.log = [](absl::string_view) {};
  return LeakDetector::Create(options).value();
}

void Create(LeakDetector* detector, uint64_t id, size_t bytes = 100) {
  ObservedAllocation block;
  block.id = id;
  block.requested_bytes = bytes;
  block.class_bytes = bytes;
  detector->OnAllocate(block);
}

uint64_t Leaked(const LeakDetector& detector) {
  return detector.Stats().leaks[static_cast<int>(LeakVerdict::kLeaked)];
}

TEST(LeakScopeTest, IsParanoidWhileItLives) {
  const auto detector = MakeDetector(LeakLevel::kDisabled);
  std::vector<size_t> intervals;
  detector->ControlSampling([&](size_t bytes) { intervals.push_back(bytes); });
  {
    LeakScope scope(detector);
    EXPECT_EQ(detector->level(), LeakLevel::kParanoid);
    detector->SetLevel(LeakLevel::kAdvanced);
    EXPECT_EQ(detector->level(), LeakLevel::kParanoid);
  }
  EXPECT_EQ(detector->level(), LeakLevel::kAdvanced);
  EXPECT_EQ(intervals, (std::vector<size_t>{0, 1, 1, 0}));
}

TEST(LeakScopeTest, ReportsWhatWasMadeWithinAndLives) {
  const auto detector = MakeDetector(LeakLevel::kSimple);
  Create(detector.get(), 1);
  Create(detector.get(), 2);
  LeakScope scope(detector);
  for (uint64_t id : {3, 4, 5, 6}) Create(detector.get(), id);
  Create(detector.get(), 7, 7);
  detector->OnFree(1);
  detector->OnFree(4);
  const std::vector<LeakReport> leaks = scope.End();
  ASSERT_EQ(leaks.size(), 2u);
  const LeakReport& three = leaks[leaks[0].count == 3 ? 0 : 1];
  const LeakReport& one = leaks[leaks[0].count == 3 ? 1 : 0];
  EXPECT_EQ(three.count, 3u);
  EXPECT_EQ(three.id, 3u) << "the first";
  EXPECT_EQ(three.requested_bytes, 300u);
  EXPECT_EQ(three.cause, LeakCause::kScopeEnded);
  EXPECT_EQ(one.id, 7u);
  EXPECT_EQ(Leaked(*detector), 4u);
  EXPECT_TRUE(scope.End().empty()) << "once";
  EXPECT_EQ(Leaked(*detector), 4u);
}

TEST(LeakScopeTest, ScopesOverlap) {
  const auto detector = MakeDetector(LeakLevel::kSimple);
  auto outer = std::make_optional<LeakScope>(detector);
  Create(detector.get(), 1);
  auto inner = std::make_optional<LeakScope>(detector);
  Create(detector.get(), 2);
  outer.reset();  // reports both
  EXPECT_EQ(detector->level(), LeakLevel::kParanoid);
  Create(detector.get(), 3);
  detector->OnFree(1);
  const std::vector<LeakReport> leaks = inner->End();
  ASSERT_EQ(leaks.size(), 2u) << "its own, reported before or not";
  EXPECT_EQ(Leaked(*detector), 3u) << "each counted once";
  EXPECT_EQ(detector->level(), LeakLevel::kSimple);
}

TEST(LeakScopeTest, SaysWhatItCouldNotTrack) {
  const auto detector = MakeDetector(LeakLevel::kSimple, /*max_tracked=*/2);
  for (uint64_t id : {1, 2, 3}) Create(detector.get(), id);
  LeakScope scope(detector);
  EXPECT_EQ(scope.untracked(), 0u);
  Create(detector.get(), 4);
  EXPECT_EQ(scope.untracked(), 1u);
  EXPECT_TRUE(scope.End().empty());
}

TEST(ExpectNoLeaksTest, PassesWhenEverythingIsFreed) {
  const auto detector = MakeDetector(LeakLevel::kSimple);
  ExpectNoLeaks no_leaks(detector);
  Create(detector.get(), 1);
  detector->OnFree(1);
}

TEST(ExpectNoLeaksTest, FailsWhenABlockSurvives) {
  const auto detector = MakeDetector(LeakLevel::kSimple);
  EXPECT_NONFATAL_FAILURE(
      {
        ExpectNoLeaks no_leaks(detector);
        Create(detector.get(), 1);
      },
      "alive when its scope ended");
}

TEST(ExpectNoLeaksTest, FailsWhenItCannotTell) {
  const auto detector = MakeDetector(LeakLevel::kSimple, /*max_tracked=*/1);
  Create(detector.get(), 1);
  EXPECT_NONFATAL_FAILURE(
      {
        ExpectNoLeaks no_leaks(detector);
        Create(detector.get(), 2);
      },
      "had no place for");
}

}  // namespace
}  // namespace poolscope
