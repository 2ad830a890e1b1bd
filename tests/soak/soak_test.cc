// The soak for half a minute, and that it finds what it is there to find.
#include "poolscope/tests/soak/soak.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/tests/soak/options.h"

namespace poolscope::soak {
namespace {

// Long enough for its resident memory to be judged.
const absl::Duration kTime = kLeastJudged + absl::Seconds(5);

// Everything that a soak does was done at least once.
bool DidEverything(const SoakProgress& progress) {
  return progress.work.allocations > 10000 && progress.work.frees > 10000 &&
         progress.work.handed_over > 1000 && progress.work.refusals > 0 &&
         progress.threads_ended > 0 && progress.scrapes > 2 &&
         progress.snapshots > 2 && progress.trims > 2 && progress.checks > 2 &&
         progress.level_changes >= 4 && progress.refused_mappings > 10 &&
         progress.messages.rounds >= 3 && progress.messages.answered > 0;
}

TEST(SoakTest, HoldsForHalfAMinuteAndLongerUntilEverythingWasDone) {
  absl::StatusOr<std::unique_ptr<Soak>> soak = Soak::Start(Options());
  ASSERT_TRUE(soak.ok()) << soak.status();
  const absl::Time begun = absl::Now();
  while ((*soak)->Found().empty() &&
         (absl::Now() - begun < kTime || !DidEverything((*soak)->Progress()))) {
    absl::SleepFor(absl::Milliseconds(10));
  }
  EXPECT_THAT((*soak)->End(), testing::IsEmpty());
  const SoakProgress end = (*soak)->Progress();
  EXPECT_TRUE(DidEverything(end));
  EXPECT_EQ(end.work.allocations, end.work.frees);
  EXPECT_EQ(end.used_bytes, 0);
  EXPECT_EQ(end.messages.sent, end.messages.answered + end.messages.refused +
                                   end.messages.cancelled);
}

class FindsTest : public testing::TestWithParam<ChunkLayout> {
 protected:
  void SetUp() override {
    Options options;
    options.threads = 2;
    options.layouts = {GetParam()};
    absl::StatusOr<std::unique_ptr<Soak>> soak = Soak::Start(options);
    ASSERT_TRUE(soak.ok()) << soak.status();
    soak_ = *std::move(soak);
  }
  std::string End() { return absl::StrJoin(soak_->End(), "\n"); }

  std::unique_ptr<Soak> soak_;
};

TEST_P(FindsTest, ABlockThatIsNotReturned) {
  void* kept = nullptr;
  while (kept == nullptr) kept = soak_->allocator(0)->Allocate(100);
  const std::string found = End();
  const char* layout = ChunkLayoutName(GetParam());
  EXPECT_THAT(found, testing::HasSubstr(std::string(layout) +
                                        " at rest: blocks in use is 1"));
  EXPECT_THAT(found, testing::HasSubstr("last scrape: 112 bytes pinned"));
  soak_->allocator(0)->Free(kept);
}

TEST_P(FindsTest, AnAllocationThatItDidNotMake) {
  void* block = nullptr;
  while (block == nullptr) block = soak_->allocator(0)->Allocate(100);
  soak_->allocator(0)->Free(block);
  const std::string found = End();
  EXPECT_THAT(found, testing::HasSubstr("count of allocations is "));
  EXPECT_THAT(found, testing::HasSubstr("count of frees is "));
  EXPECT_THAT(found, testing::HasSubstr("requested_bytes is "));
  EXPECT_THAT(found, testing::Not(testing::HasSubstr("in use")));
}

TEST(ResidentTest, ALeakOutsideOfThePoolsIsFoundWhereMemoryIsJudged) {
  Options options;
  options.threads = 2;
  options.layouts = {ChunkLayout::kRuns};
  options.leak_kib_per_second = 4 << 10;
  absl::StatusOr<std::unique_ptr<Soak>> soak = Soak::Start(options);
  ASSERT_TRUE(soak.ok()) << soak.status();
  const absl::Time begun = absl::Now();
  while (absl::Now() - begun < kTime) absl::SleepFor(absl::Milliseconds(10));
  const std::vector<std::string> found = (*soak)->End();
  if (kJudgesResident) {
    EXPECT_THAT(found, testing::ElementsAre(testing::StartsWith(
                           "resident memory is not flat within 20 %: ")));
  } else {
    EXPECT_THAT(found, testing::IsEmpty());
  }
}

INSTANTIATE_TEST_SUITE_P(Layouts, FindsTest,
                         testing::Values(ChunkLayout::kRuns,
                                         ChunkLayout::kBuddy),
                         [](const testing::TestParamInfo<ChunkLayout>& info) {
                           return std::string(ChunkLayoutName(info.param));
                         });

}  // namespace
}  // namespace poolscope::soak
