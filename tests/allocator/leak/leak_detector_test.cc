// The detector alone, told by hand of blocks that do not exist.
#include "poolscope/allocator/leak/leak_detector.h"

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/attributes.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/base/clock.h"
#include "poolscope/allocator/leak/creation_hint.h"
#include "poolscope/allocator/leak/symbols.h"

namespace poolscope {

// Three call sites.
ABSL_ATTRIBUTE_NOINLINE void CreateOrder(LeakDetector* detector,
                                         const ObservedAllocation& block) {
  detector->OnAllocate(block);
  asm volatile("");
}
ABSL_ATTRIBUTE_NOINLINE void CreateReply(LeakDetector* detector,
                                         const ObservedAllocation& block) {
  detector->OnAllocate(block);
  asm volatile("" ::"i"(1));
}
ABSL_ATTRIBUTE_NOINLINE void CreateOther(LeakDetector* detector,
                                         const ObservedAllocation& block) {
  detector->OnAllocate(block);
  asm volatile("" ::"i"(2));
}

namespace {

using Creator = void (*)(LeakDetector*, const ObservedAllocation&);

class LeakDetectorTest : public testing::Test {
 protected:
  LeakDetectorOptions Options(LeakLevel level) {
    LeakDetectorOptions options;
    options.allocator = "test";
    options.level = level;
    options.clock = &clock_;
    options.log = [this](absl::string_view text) { texts_.emplace_back(text); };
    options.listener = [this](const LeakReport& report) {
      heard_.push_back(report);
    };
    return options;
  }
  void Make(LeakDetectorOptions options) {
    auto created = LeakDetector::Create(std::move(options));
    ASSERT_TRUE(created.ok()) << created.status();
    detector_ = *std::move(created);
    detector_->ControlSampling([this](size_t interval_bytes) {
      intervals_.push_back(interval_bytes);
    });
  }
  void Make(LeakLevel level) { Make(Options(level)); }

  uint64_t Create(Creator creator, size_t bytes = 100, double weight = 1) {
    ObservedAllocation block;
    block.id = next_id_++;
    block.address = reinterpret_cast<const void*>(block.id << 12);
    block.requested_bytes = bytes;
    block.class_bytes = bytes + 12;
    block.weight = weight;
    block.allocated_nanos = clock_.NowNanos();
    creator(detector_.get(), block);
    return block.id;
  }
  uint64_t leaks(LeakVerdict verdict) {
    return detector_->Stats().leaks[static_cast<int>(verdict)];
  }
  uint64_t reports(LeakVerdict verdict) {
    return detector_->Stats().reports[static_cast<int>(verdict)];
  }

  SimulatedClock clock_;
  std::shared_ptr<LeakDetector> detector_;
  std::vector<size_t> intervals_;
  std::vector<std::string> texts_;
  std::vector<LeakReport> heard_;
  uint64_t next_id_ = 1;
};

std::string CreatorOf(const LeakReport& report) {
  absl::Span<void* const> stack = report.creation.stack;
  stack.remove_prefix(CountOwnFrames(stack));
  return stack.empty() ? "" : FunctionName(stack[0]);
}

// -------------------------------------------------------------------- options

TEST_F(LeakDetectorTest, BadOptionsAreNamed) {
  const auto refused = [&](auto change, const char* part) {
    LeakDetectorOptions options = Options(LeakLevel::kSimple);
    change(&options);
    const auto created = LeakDetector::Create(options);
    EXPECT_EQ(created.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_TRUE(absl::StrContains(created.status().message(), part))
        << created.status();
  };
  refused([](auto* o) { o->suspect_after = absl::ZeroDuration(); },
          "suspect_after is 0");
  refused([](auto* o) { o->target_records = 0; }, "target_records is 0");
  refused([](auto* o) { o->target_records = 1025; }, "target_records is 1025");
  refused([](auto* o) { o->max_tracked = 0; }, "max_tracked is 0");
  refused([](auto* o) { o->max_call_sites = 0; }, "max_call_sites is 0");
  refused([](auto* o) { o->max_access_bytes = 0; }, "max_access_bytes is 0");
}

TEST_F(LeakDetectorTest, TheOptionComesBeforeTheEnvironment) {
  setenv(kLeakLevelVariable, "paranoid", 1);
  Make(LeakLevel::kDisabled);
  EXPECT_EQ(detector_->level(), LeakLevel::kDisabled);
  LeakDetectorOptions options = Options(LeakLevel::kSimple);
  options.level.reset();
  Make(options);
  EXPECT_EQ(detector_->level(), LeakLevel::kParanoid);
  setenv(kLeakLevelVariable, "loud", 1);
  EXPECT_FALSE(LeakDetector::Create(options).ok());
  unsetenv(kLeakLevelVariable);
  Make(options);
  EXPECT_EQ(detector_->level(), LeakLevel::kSimple);
}

// --------------------------------------------------------------------- levels

TEST_F(LeakDetectorTest, TheLevelSetsTheInterval) {
  Make(LeakLevel::kSimple);
  EXPECT_EQ(intervals_, std::vector<size_t>{0});
  detector_->SetLevel(LeakLevel::kParanoid);
  detector_->SetLevel(LeakLevel::kAdvanced);
  detector_->SetLevel(LeakLevel::kDisabled);
  EXPECT_EQ(intervals_, (std::vector<size_t>{0, 1, 0, 0}));
  detector_->OnClose();
  detector_->SetLevel(LeakLevel::kParanoid);
  EXPECT_EQ(intervals_.size(), 4u) << "the allocator is gone";
  detector_->ControlSampling(
      [this](size_t interval_bytes) { intervals_.push_back(interval_bytes); });
  EXPECT_EQ(intervals_.size(), 4u) << "and stays so";
  EXPECT_EQ(detector_->level(), LeakLevel::kParanoid);
}

TEST_F(LeakDetectorTest, DisabledTracksNothingAndForgetsTheRest) {
  Make(LeakLevel::kParanoid);
  const uint64_t before = Create(CreateOrder);
  detector_->ReportLeaked(before, LeakCause::kSendDropped);
  EXPECT_EQ(detector_->Stats().tracked, 1u);
  detector_->SetLevel(LeakLevel::kDisabled);
  EXPECT_EQ(detector_->Stats().tracked, 0u);
  EXPECT_EQ(detector_->Reports().at(0).live, 0u) << "nobody looks any more";
  const uint64_t id = Create(CreateOrder);
  EXPECT_EQ(detector_->Stats().tracked, 0u);
  EXPECT_FALSE(detector_->ReportLeaked(id, LeakCause::kSendDropped));
  detector_->SetLevel(LeakLevel::kSimple);
  detector_->OnFree(before);
  detector_->OnFree(id);
  detector_->OnClose();
  EXPECT_EQ(leaks(LeakVerdict::kLeaked), 1u);
}

TEST_F(LeakDetectorTest, TheReportAtTheEndCountsEveryBlockOfItsSite) {
  Make(LeakLevel::kSimple);
  // One line, so one site.
  for (int i = 0; i < 3; ++i) Create(CreateOrder);
  detector_->OnClose();
  ASSERT_EQ(heard_.size(), 1u);
  EXPECT_EQ(heard_[0].count, 3u);
  EXPECT_EQ(heard_[0].live, 3u);
}

TEST_F(LeakDetectorTest, SimpleKeepsTheCreationAlone) {
  Make(LeakLevel::kSimple);
  const uint64_t id = Create(CreateOrder);
  detector_->Touch(id, "here");
  detector_->OnClose();
  ASSERT_EQ(heard_.size(), 1u);
  EXPECT_TRUE(heard_[0].accesses.empty());
  EXPECT_EQ(CreatorOf(heard_[0]), "poolscope::CreateOrder()");
}

ABSL_ATTRIBUTE_NOINLINE void Decode(LeakDetector* detector, uint64_t id) {
  detector->Touch(id, "decoding");
  asm volatile("");
}

TEST_F(LeakDetectorTest, AdvancedAndParanoidKeepAccesses) {
  for (LeakLevel level : {LeakLevel::kAdvanced, LeakLevel::kParanoid}) {
    heard_.clear();
    Make(level);
    const uint64_t id = Create(CreateOrder);
    detector_->Touch(id);
    Decode(detector_.get(), id);
    detector_->Touch(0, "no block");
    detector_->Touch(id + 1, "not tracked");
    detector_->OnClose();
    ASSERT_EQ(heard_.size(), 1u);
    const LeakReport& report = heard_[0];
    ASSERT_EQ(report.accesses.size(), 2u);
    EXPECT_EQ(report.accesses[0].hint, "decoding") << "newest first";
    EXPECT_EQ(report.accesses[1].hint, "");
    absl::Span<void* const> stack = report.accesses[0].stack;
    stack.remove_prefix(CountOwnFrames(stack));
    EXPECT_TRUE(absl::StrContains(FunctionName(stack[0]), "Decode"));
    EXPECT_TRUE(absl::StrContains(texts_.back(), "#1:\n\tHint: decoding\n"));
  }
}

TEST_F(LeakDetectorTest, TheBackOffDrawsFromTheSourceGiven) {
  LeakDetectorOptions options = Options(LeakLevel::kAdvanced);
  int drawn = 0;
  options.random = [&] { return ++drawn, ~uint64_t{0}; };
  Make(options);
  const uint64_t id = Create(CreateOrder);
  for (int i = 1; i <= 10; ++i) detector_->Touch(id, absl::StrCat(i));
  detector_->OnClose();
  std::vector<std::string> hints;
  for (const AccessRecord& access : heard_.at(0).accesses) {
    hints.push_back(access.hint);
  }
  EXPECT_EQ(hints, (std::vector<std::string>{"10", "3", "2", "1"}));
  EXPECT_EQ(heard_[0].dropped_accesses, 6u);
  EXPECT_EQ(drawn, 10);
}

TEST_F(LeakDetectorTest, AHintIsCutAt128Bytes) {
  Make(LeakLevel::kAdvanced);
  const std::string long_hint(200, 'c');
  CreationHint hint(long_hint);
  const uint64_t id = Create(CreateOrder);
  detector_->Touch(id, std::string(127, 'a'));
  detector_->Touch(id, std::string(129, 'b'));
  detector_->OnClose();
  EXPECT_EQ(heard_.at(0).creation.hint, std::string(128, 'c'));
  EXPECT_EQ(heard_[0].accesses.at(0).hint, std::string(128, 'b'));
  EXPECT_EQ(heard_[0].accesses.at(1).hint, std::string(127, 'a'));
}

TEST_F(LeakDetectorTest, AHintIsNotCutWithinACharacter) {
  Make(LeakLevel::kSimple);
  const std::string long_hint = std::string(127, 'c') + "\xc3\xa4";
  CreationHint hint(long_hint);
  Create(CreateOrder);
  detector_->OnClose();
  EXPECT_EQ(heard_.at(0).creation.hint, std::string(127, 'c'));
}

TEST_F(LeakDetectorTest, TheInnermostCreationHintCounts) {
  Make(LeakLevel::kSimple);
  {
    CreationHint outer("outer");
    {
      CreationHint inner("inner");
      Create(CreateOrder);
    }
    Create(CreateReply);
  }
  Create(CreateOther);
  detector_->OnClose();
  std::vector<std::pair<std::string, std::string>> hints;
  for (const LeakReport& report : detector_->Reports()) {
    hints.emplace_back(CreatorOf(report), report.creation.hint);
  }
  EXPECT_EQ(hints, (std::vector<std::pair<std::string, std::string>>{
                       {"poolscope::CreateOrder()", "inner"},
                       {"poolscope::CreateReply()", "outer"},
                       {"poolscope::CreateOther()", ""}}));
}

// ------------------------------------------------------------------- verdicts

TEST_F(LeakDetectorTest, WhatIsFreedIsNoLeak) {
  Make(LeakLevel::kParanoid);
  for (int i = 0; i < 100; ++i) detector_->OnFree(Create(CreateOrder));
  detector_->OnFree(12345);
  detector_->Check();
  detector_->OnClose();
  EXPECT_TRUE(detector_->Reports().empty());
  EXPECT_TRUE(texts_.empty());
}

TEST_F(LeakDetectorTest, OneReportStandsForACreationStack) {
  Make(LeakLevel::kSimple);
  for (int i = 0; i < 3; ++i) Create(CreateOrder, 100, 2.5);
  Create(CreateReply, 7);
  detector_->OnClose();
  EXPECT_EQ(leaks(LeakVerdict::kLeaked), 4u);
  EXPECT_EQ(reports(LeakVerdict::kLeaked), 2u);
  EXPECT_EQ(heard_.size(), 2u);
  EXPECT_EQ(texts_.size(), 2u);
  const std::vector<LeakReport> reports = detector_->Reports();
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_EQ(CreatorOf(reports[0]), "poolscope::CreateOrder()");
  EXPECT_EQ(reports[0].cause, LeakCause::kAllocatorClosed);
  EXPECT_EQ(reports[0].count, 3u);
  EXPECT_EQ(reports[0].live, 3u);
  EXPECT_EQ(reports[0].requested_bytes, 300u);
  EXPECT_EQ(reports[0].estimated_count, 7.5);
  EXPECT_EQ(reports[0].estimated_bytes, 750);
  EXPECT_EQ(reports[0].first_class_bytes, 112u);
  EXPECT_EQ(reports[1].count, 1u);
  // Freed after all, by whoever outlives the allocator.
  detector_->OnFree(reports[0].id);
  EXPECT_EQ(detector_->Reports()[0].live, 2u);
  EXPECT_EQ(detector_->Reports()[0].count, 3u);
}

TEST_F(LeakDetectorTest, ABlockIsLeakedOnce) {
  Make(LeakLevel::kSimple);
  const uint64_t id = Create(CreateOrder);
  EXPECT_TRUE(detector_->ReportLeaked(id, LeakCause::kSendDropped));
  EXPECT_TRUE(detector_->ReportLeaked(id, LeakCause::kChannelClosed));
  detector_->OnClose();
  EXPECT_EQ(leaks(LeakVerdict::kLeaked), 1u);
  ASSERT_EQ(heard_.size(), 1u);
  EXPECT_EQ(heard_[0].cause, LeakCause::kSendDropped);
  detector_->OnFree(id);
  EXPECT_FALSE(detector_->ReportLeaked(id, LeakCause::kSendDropped));
  EXPECT_FALSE(detector_->ReportLeaked(0, LeakCause::kSendDropped));
  EXPECT_EQ(detector_->Reports().at(0).live, 0u);
}

TEST_F(LeakDetectorTest, NothingIsASuspectBeforeSuspectAfter) {
  LeakDetectorOptions options = Options(LeakLevel::kSimple);
  options.suspect_after = absl::Seconds(10);
  Make(options);
  const uint64_t id = Create(CreateOrder);
  clock_.Advance(absl::Seconds(10));
  detector_->Check();
  EXPECT_EQ(leaks(LeakVerdict::kSuspect), 0u) << "not older yet";
  clock_.Advance(absl::Nanoseconds(1));
  detector_->Check();
  EXPECT_EQ(leaks(LeakVerdict::kSuspect), 1u);
  ASSERT_EQ(heard_.size(), 1u);
  EXPECT_EQ(heard_[0].cause, LeakCause::kTooOld);
  EXPECT_NEAR(heard_[0].first_age_seconds, 10, 1e-6);
  clock_.Advance(absl::Hours(1));
  detector_->Check();
  EXPECT_EQ(leaks(LeakVerdict::kSuspect), 1u) << "judged once";
  detector_->OnFree(id);
  const LeakReport report = detector_->Reports().at(0);
  EXPECT_EQ(report.count, 1u);
  EXPECT_EQ(report.live, 0u);
}

TEST_F(LeakDetectorTest, ASuspectOutlivesTenTimesItsSitesP99) {
  Make(LeakLevel::kSimple);
  // The bucket's end: 2^33 ns, 8.59 s. The eleventh is not freed.
  for (int i = 0; i <= 10; ++i) {
    const uint64_t id = Create(CreateOrder);
    if (i == 10) break;
    clock_.Advance(absl::Seconds(5));
    detector_->OnFree(id);
  }
  const absl::Duration threshold = 10 * absl::Nanoseconds(int64_t{1} << 33);
  Create(CreateReply);  // of whose lifetimes nothing is known
  clock_.Advance(absl::Seconds(30) + absl::Nanoseconds(1));
  detector_->Check();
  ASSERT_EQ(heard_.size(), 1u);
  EXPECT_EQ(CreatorOf(heard_[0]), "poolscope::CreateReply()");
  clock_.Advance(threshold - absl::Seconds(30) - absl::Nanoseconds(1));
  detector_->Check();
  EXPECT_EQ(heard_.size(), 1u);
  clock_.Advance(absl::Nanoseconds(1));
  detector_->Check();
  ASSERT_EQ(heard_.size(), 2u);
  EXPECT_EQ(CreatorOf(heard_[1]), "poolscope::CreateOrder()");
}

TEST_F(LeakDetectorTest, ASuspectThatIsAliveAtTheEndIsLeakedToo) {
  Make(LeakLevel::kSimple);
  const uint64_t id = Create(CreateOrder);
  clock_.Advance(absl::Minutes(1));
  EXPECT_EQ(detector_->Reports().size(), 1u) << "reading checks";
  detector_->OnClose();
  EXPECT_EQ(leaks(LeakVerdict::kSuspect), 1u);
  EXPECT_EQ(leaks(LeakVerdict::kLeaked), 1u);
  EXPECT_EQ(detector_->Reports().size(), 2u);
  detector_->OnFree(id);
  for (const LeakReport& report : detector_->Reports()) {
    EXPECT_EQ(report.live, 0u);
  }
}

TEST_F(LeakDetectorTest, TheListenerMayUseTheDetector) {
  LeakDetectorOptions options = Options(LeakLevel::kSimple);
  options.listener = [this](const LeakReport&) {
    EXPECT_EQ(detector_->Reports().size(), 1u);
    EXPECT_EQ(detector_->Live().allocations.size(), 1u);
    detector_->SetLevel(LeakLevel::kAdvanced);
  };
  Make(options);
  const uint64_t id = Create(CreateOrder);
  detector_->ReportLeaked(id, LeakCause::kChannelClosed);
  EXPECT_EQ(detector_->level(), LeakLevel::kAdvanced);
}

// -------------------------------------------------------------------- reading

TEST_F(LeakDetectorTest, TheRatioIsThatOfTheBlocksTold) {
  Make(LeakLevel::kSimple);
  EXPECT_EQ(detector_->Stats().sampling_ratio, 0);
  Create(CreateOrder, 100, 10);
  EXPECT_DOUBLE_EQ(detector_->Stats().sampling_ratio, 0.1);
  Create(CreateOrder, 100, 30);
  EXPECT_DOUBLE_EQ(detector_->Stats().sampling_ratio, 2.0 / 40);
  detector_->SetLevel(LeakLevel::kSimple);
  EXPECT_DOUBLE_EQ(detector_->Stats().sampling_ratio, 2.0 / 40);
  detector_->SetLevel(LeakLevel::kParanoid);
  EXPECT_EQ(detector_->Stats().sampling_ratio, 0);
  Create(CreateOrder);
  EXPECT_EQ(detector_->Stats().sampling_ratio, 1);
}

TEST_F(LeakDetectorTest, LiveBlocksShareTheirStacks) {
  Make(LeakLevel::kSimple);
  std::vector<uint64_t> orders;
  for (int i = 0; i < 3; ++i) orders.push_back(Create(CreateOrder, 100, 4));
  Create(CreateReply, 200, 2);
  detector_->OnFree(orders[1]);
  const LiveAllocations live = detector_->Live();
  ASSERT_EQ(live.allocations.size(), 3u);
  ASSERT_EQ(live.stacks.size(), 2u);
  for (const LiveAllocation& block : live.allocations) {
    absl::Span<void* const> stack = live.stacks.at(block.stack);
    stack.remove_prefix(CountOwnFrames(stack));
    const bool order = block.allocation.requested_bytes == 100;
    EXPECT_EQ(FunctionName(stack[0]),
              order ? "poolscope::CreateOrder()" : "poolscope::CreateReply()");
    EXPECT_EQ(block.allocation.weight, order ? 4 : 2);
    EXPECT_NE(block.allocation.id, orders[1]);
  }
}

// --------------------------------------------------------------------- bounds

TEST_F(LeakDetectorTest, MoreBlocksThanThereIsPlaceForAreCounted) {
  LeakDetectorOptions options = Options(LeakLevel::kParanoid);
  options.max_tracked = 10;
  Make(options);
  std::vector<uint64_t> ids;
  for (int i = 0; i < 10; ++i) ids.push_back(Create(CreateOrder));
  EXPECT_EQ(detector_->Stats().dropped_blocks, 0u);
  ids.push_back(Create(CreateOrder));
  EXPECT_EQ(detector_->Stats().dropped_blocks, 1u);
  EXPECT_EQ(detector_->Stats().tracked, 10u);
  detector_->OnFree(ids.back());  // unknown
  detector_->OnFree(ids[0]);
  EXPECT_EQ(detector_->Stats().tracked, 9u);
  Create(CreateOrder);
  EXPECT_EQ(detector_->Stats().tracked, 10u);
  EXPECT_EQ(detector_->Stats().dropped_blocks, 1u);
}

TEST_F(LeakDetectorTest, StacksBeyondTheLastCallSiteAreCounted) {
  LeakDetectorOptions options = Options(LeakLevel::kSimple);
  options.max_call_sites = 1;
  Make(options);
  for (Creator creator : {CreateOrder, CreateReply, CreateOther, CreateOrder}) {
    Create(creator);
    if (creator == CreateOrder) continue;
    EXPECT_GT(detector_->Stats().dropped_stacks, 0u);
  }
  EXPECT_EQ(detector_->Stats().dropped_stacks, 2u);
  EXPECT_EQ(detector_->Stats().call_sites, 1u);
  detector_->OnClose();
  EXPECT_EQ(leaks(LeakVerdict::kLeaked), 4u);
  ASSERT_EQ(heard_.size(), 2u);
  for (const LeakReport& report : detector_->Reports()) {
    EXPECT_EQ(report.count, 2u);
  }
  int empty = 0;
  for (const auto& stack : detector_->Live().stacks) empty += stack.empty();
  EXPECT_EQ(empty, 1);
}

TEST_F(LeakDetectorTest, AccessesBeyondTheirBytesAreCounted) {
  LeakDetectorOptions options = Options(LeakLevel::kAdvanced);
  options.max_access_bytes = 250;
  Make(options);
  const uint64_t first = Create(CreateOrder);
  const uint64_t second = Create(CreateOrder);
  for (int i = 0; i < 4; ++i) detector_->Touch(first, absl::StrCat(i));
  const uint64_t dropped = detector_->Stats().dropped_accesses;
  EXPECT_GT(dropped, 0u);
  detector_->Touch(second, "no place");
  EXPECT_EQ(detector_->Stats().dropped_accesses, dropped + 1);
  // Freed, it leaves its place to others.
  detector_->OnFree(first);
  detector_->Touch(second, "place");
  EXPECT_EQ(detector_->Stats().dropped_accesses, dropped + 1);
  detector_->OnClose();
  ASSERT_EQ(heard_.at(0).accesses.size(), 1u);
  EXPECT_EQ(heard_[0].accesses[0].hint, "place");
  EXPECT_EQ(heard_[0].dropped_accesses, 1u);
}

TEST_F(LeakDetectorTest, LongAccessesInThePlaceOfShortOnesKeepTheBound) {
  LeakDetectorOptions options = Options(LeakLevel::kAdvanced);
  options.max_access_bytes = 10000;
  Make(options);
  std::vector<uint64_t> ids;
  for (int i = 0; i < 100; ++i) ids.push_back(Create(CreateOrder));
  const uint64_t before = detector_->Stats().overhead_bytes;
  const std::string text(128, 'h');
  for (uint64_t id : ids) detector_->Touch(id);
  for (uint64_t id : ids) detector_->Touch(id, text);
  EXPECT_GT(detector_->Stats().dropped_accesses, 0u);
  EXPECT_GT(detector_->Stats().overhead_bytes, before + 9000);
  EXPECT_LE(detector_->Stats().overhead_bytes, before + 10000);
}

TEST_F(LeakDetectorTest, HintsAreOverheadToo) {
  Make(LeakLevel::kSimple);
  const std::string text(128, 'h');
  uint64_t overhead[2] = {};
  for (int round = 0; round < 2; ++round) {
    CreationHint hint(round == 0 ? absl::string_view(text)
                                 : absl::string_view());
    std::vector<uint64_t> ids;
    for (int i = 0; i < 100; ++i) ids.push_back(Create(CreateOrder));
    overhead[round] = detector_->Stats().overhead_bytes;
    for (uint64_t id : ids) detector_->OnFree(id);
  }
  EXPECT_GE(overhead[0], overhead[1] + 100 * 128 - 2000) << "a site more";
}

TEST_F(LeakDetectorTest, OverheadFollowsWhatIsKept) {
  Make(LeakLevel::kAdvanced);
  const uint64_t empty = detector_->Stats().overhead_bytes;
  std::vector<uint64_t> ids;
  for (int i = 0; i < 1000; ++i) ids.push_back(Create(CreateOrder));
  const uint64_t tracked = detector_->Stats().overhead_bytes;
  EXPECT_GE(tracked, empty + 1000 * sizeof(ObservedAllocation));
  EXPECT_LE(tracked, empty + 1000 * 400);
  for (uint64_t id : ids) detector_->Touch(id, "touched");
  EXPECT_GT(detector_->Stats().overhead_bytes, tracked + 1000 * 50);
  for (uint64_t id : ids) detector_->OnFree(id);
  EXPECT_EQ(detector_->Stats().overhead_bytes, tracked);
  detector_->SetLevel(LeakLevel::kDisabled);
  EXPECT_LT(detector_->Stats().overhead_bytes, empty + 10000);
}

}  // namespace
}  // namespace poolscope
