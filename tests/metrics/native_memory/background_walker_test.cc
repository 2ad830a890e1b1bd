#include "poolscope/metrics/native_memory/background_walker.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <new>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "poolscope/allocator/base/clock.h"

namespace poolscope {
namespace {

using Detail = MemoryWalk::Detail;

// Walks that take as long as the test says, on a clock of its own.
class BackgroundWalkerTest : public testing::Test {
 protected:
  BackgroundWalkerTest()
      : walker_([this](Detail detail,
                       absl::Duration budget) { return Walk(detail, budget); },
                [this] { return resident_bytes_.load(); }, Options()) {}

  BackgroundWalkerOptions Options() {
    BackgroundWalkerOptions options;
    options.interval = absl::Seconds(10);
    options.most_share = 0.01;
    options.most_resident_bytes = 1000;
    options.budget = absl::Seconds(1);
    options.budget_on_demand = absl::Seconds(5);
    options.most_requests = 5;
    options.clock = &clock_;
    return options;
  }

  absl::StatusOr<NativeMemoryStats> Walk(Detail detail, absl::Duration budget) {
    EXPECT_EQ(++at_a_time_, 1);
    ++walks_;
    budget_ = budget;
    if (during_ != nullptr) during_();
    clock_.Advance(takes_);
    --at_a_time_;
    if (!status_.ok()) return status_;
    NativeMemoryStats stats;
    stats.walk_id = walks_;
    if (detail == Detail::kMappings) stats.mappings.emplace_back();
    return stats;
  }

  SimulatedClock clock_;
  std::atomic<uint64_t> resident_bytes_{1000};
  absl::Duration takes_ = absl::Milliseconds(1);
  absl::Status status_;
  std::function<void()> during_;
  absl::Duration budget_;
  std::atomic<int> walks_{0};
  std::atomic<int> at_a_time_{0};
  BackgroundWalker walker_;
};

TEST_F(BackgroundWalkerTest, BeforeTheFirstWalkThereIsNothing) {
  const LastMemoryWalk result = walker_.Latest();
  ASSERT_NE(result.stats, nullptr);
  EXPECT_EQ(result.stats->walk_id, 0u);
  EXPECT_EQ(result.age_seconds, 0);
  EXPECT_TRUE(result.latest.ok());
}

TEST_F(BackgroundWalkerTest, WalksAtOnceAndThenEveryInterval) {
  walker_.WalkIfDue();
  EXPECT_EQ(walks_, 1);
  EXPECT_EQ(budget_, absl::Seconds(1));
  clock_.Advance(absl::Seconds(10) - takes_ - absl::Nanoseconds(1));
  walker_.WalkIfDue();
  EXPECT_EQ(walks_, 1);
  EXPECT_NEAR(walker_.Latest().age_seconds, 10, 1e-6) << "of its beginning";
  clock_.Advance(absl::Nanoseconds(1));
  walker_.WalkIfDue();
  EXPECT_EQ(walks_, 2);
  EXPECT_EQ(walker_.Latest().stats->walk_id, 2u);
}

TEST_F(BackgroundWalkerTest, WalkingNeverTakesMoreThanItsShare) {
  for (const int milliseconds : {100, 101, 900}) {
    takes_ = absl::Milliseconds(milliseconds);
    clock_.Advance(absl::Hours(1));
    const int before = walks_;
    walker_.WalkIfDue();
    ASSERT_EQ(walks_, before + 1);
    // 1 % of 100 ms * 100 is the interval itself.
    clock_.Advance(takes_ * 99 - absl::Milliseconds(1));
    walker_.WalkIfDue();
    EXPECT_EQ(walks_, before + 1) << milliseconds;
    clock_.Advance(absl::Milliseconds(1));
    walker_.WalkIfDue();
    EXPECT_EQ(walks_, before + 2) << milliseconds;
  }
}

TEST_F(BackgroundWalkerTest, AFailedWalkLeavesTheLastResultAndSaysWhy) {
  walker_.WalkIfDue();
  status_ = absl::DeadlineExceededError("too long");
  clock_.Advance(absl::Minutes(1));
  walker_.WalkIfDue();
  EXPECT_EQ(walks_, 2);
  LastMemoryWalk result = walker_.Latest();
  EXPECT_EQ(result.stats->walk_id, 1u);
  EXPECT_NEAR(result.age_seconds, 60, 1);
  EXPECT_EQ(result.latest, status_);
  walker_.WalkIfDue();
  EXPECT_EQ(walks_, 2) << "a failure counts for the interval";

  status_ = absl::OkStatus();
  clock_.Advance(absl::Minutes(1));
  walker_.WalkIfDue();
  result = walker_.Latest();
  EXPECT_EQ(result.stats->walk_id, 3u);
  EXPECT_TRUE(result.latest.ok());
}

TEST_F(BackgroundWalkerTest, AboveTheGateOnlyThoseWhoAskGetAWalk) {
  resident_bytes_ = 1001;
  walker_.WalkIfDue();
  EXPECT_EQ(walks_, 0);
  EXPECT_EQ(walker_.Latest().latest.code(),
            absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(walker_.WalkNow(Detail::kCategories).ok());
  EXPECT_EQ(budget_, absl::Seconds(5));
  EXPECT_EQ(walker_.Latest().stats->walk_id, 1u);
  resident_bytes_ = 1000;
  clock_.Advance(absl::Minutes(1));
  walker_.WalkIfDue();
  EXPECT_EQ(walks_, 2);
}

TEST_F(BackgroundWalkerTest, AWalkOnDemandPutsOffTheNext) {
  clock_.Advance(absl::Hours(1));
  ASSERT_TRUE(walker_.WalkNow(Detail::kCategories).ok());
  walker_.WalkIfDue();
  EXPECT_EQ(walks_, 1);
}

TEST_F(BackgroundWalkerTest, OnDemandTheWalksErrorIsReturned) {
  status_ = absl::NotFoundError("no smaps");
  EXPECT_EQ(walker_.WalkNow(Detail::kCategories).status(), status_);
  // The background has nothing to do with it.
  EXPECT_TRUE(walker_.Latest().latest.ok());
  status_ = absl::OkStatus();
  walker_.WalkIfDue();
  EXPECT_EQ(walks_, 2);
}

TEST_F(BackgroundWalkerTest, ALongWalkOnDemandPutsOffTheNextByAnInterval) {
  takes_ = absl::Seconds(5);
  ASSERT_TRUE(walker_.WalkNow(Detail::kCategories).ok());
  clock_.Advance(absl::Seconds(5) - absl::Nanoseconds(1));
  walker_.WalkIfDue();
  EXPECT_EQ(walks_, 1);
  clock_.Advance(absl::Nanoseconds(1));
  walker_.WalkIfDue();
  EXPECT_EQ(walks_, 2);
}

TEST_F(BackgroundWalkerTest, MoreRequestsThanThereMayBeAreRefused) {
  std::promise<void> begun;
  std::promise<void> go_on;
  std::atomic<bool> first = true;
  during_ = [&] {
    if (!first.exchange(false)) return;
    begun.set_value();
    go_on.get_future().wait();
  };
  auto asked = std::async(std::launch::async, [this] {
    return walker_.WalkNow(Detail::kCategories).status();
  });
  begun.get_future().wait();
  std::vector<std::future<absl::Status>> others;
  for (int i = 0; i < 5; ++i) {
    others.push_back(std::async(std::launch::async, [this] {
      return walker_.WalkNow(Detail::kCategories).status();
    }));
  }
  // Five are one more than may be there; one is refused while the others wait.
  bool refused = false;
  while (!refused) {
    for (std::future<absl::Status>& other : others) {
      refused |=
          other.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
    }
  }
  go_on.set_value();
  EXPECT_TRUE(asked.get().ok());
  int refusals = 0;
  for (std::future<absl::Status>& other : others) {
    const absl::Status status = other.get();
    refusals += absl::IsResourceExhausted(status);
    EXPECT_TRUE(status.ok() || absl::IsResourceExhausted(status)) << status;
  }
  // The walk that they share takes one place.
  EXPECT_EQ(refusals, 1);
  EXPECT_TRUE(walker_.WalkNow(Detail::kCategories).ok());
}

TEST_F(BackgroundWalkerTest, MappingsAreForWhoAskedAlone) {
  const auto walked = walker_.WalkNow(Detail::kMappings);
  ASSERT_TRUE(walked.ok());
  EXPECT_EQ((*walked)->mappings.size(), 1u);
  EXPECT_EQ(walker_.Latest().stats->walk_id, (*walked)->walk_id);
  EXPECT_TRUE(walker_.Latest().stats->mappings.empty());
}

TEST_F(BackgroundWalkerTest, AScrapeDoesNotWaitForAWalk) {
  walker_.WalkIfDue();
  during_ = [this] {
    EXPECT_EQ(walker_.Latest().stats->walk_id, 1u);
    walker_.WalkIfDue();  // neither does this
  };
  clock_.Advance(absl::Minutes(1));
  walker_.WalkIfDue();
  EXPECT_EQ(walks_, 2);
}

TEST_F(BackgroundWalkerTest, WhoAsksDuringAWalkSharesIt) {
  std::promise<void> begun;
  std::promise<void> go_on;
  std::atomic<bool> first_walk = true;
  during_ = [&] {
    if (!first_walk.exchange(false)) return;
    begun.set_value();
    go_on.get_future().wait();
  };
  const auto ask = [this] {
    const auto walked = walker_.WalkNow(Detail::kCategories);
    EXPECT_TRUE(walked.ok());
    return (*walked)->walk_id;
  };
  std::future<uint64_t> first = std::async(std::launch::async, ask);
  begun.get_future().wait();
  std::vector<std::future<uint64_t>> others;
  std::atomic<int> asking{0};
  for (int i = 0; i < 4; ++i) {
    others.push_back(std::async(std::launch::async, [&] {
      ++asking;
      return ask();
    }));
  }
  // From here they may come too late to share it only by being stopped
  // between two instructions; then they walk, one at a time, and that holds.
  while (asking != 4) std::this_thread::yield();
  go_on.set_value();
  EXPECT_EQ(first.get(), 1u);
  for (std::future<uint64_t>& other : others) EXPECT_GE(other.get(), 1u);
}

TEST_F(BackgroundWalkerTest, AWalkWithoutMappingsDoesNotServeWhoNeedsThem) {
  std::promise<void> begun;
  std::promise<void> go_on;
  std::atomic<bool> first = true;
  during_ = [&] {
    if (!first.exchange(false)) return;
    begun.set_value();
    go_on.get_future().wait();
  };
  std::thread background([this] { walker_.WalkIfDue(); });
  begun.get_future().wait();
  auto asked = std::async(std::launch::async, [this] {
    return walker_.WalkNow(Detail::kMappings);
  });
  go_on.set_value();
  const auto walked = asked.get();
  ASSERT_TRUE(walked.ok());
  EXPECT_EQ((*walked)->walk_id, 2u);
  EXPECT_EQ((*walked)->mappings.size(), 1u);
  background.join();
}

TEST_F(BackgroundWalkerTest, WhoAsksDoesNotShareAFailureInTheBackground) {
  std::promise<void> begun;
  std::promise<void> go_on;
  std::atomic<bool> first = true;
  during_ = [&] {
    status_ = absl::OkStatus();
    if (!first.exchange(false)) return;
    begun.set_value();
    go_on.get_future().wait();
    status_ = absl::DeadlineExceededError("too long");
  };
  std::thread background([this] { walker_.WalkIfDue(); });
  begun.get_future().wait();
  auto asked = std::async(std::launch::async, [this] {
    return walker_.WalkNow(Detail::kCategories);
  });
  go_on.set_value();
  const auto walked = asked.get();
  ASSERT_TRUE(walked.ok()) << walked.status();
  EXPECT_EQ((*walked)->walk_id, 2u);
  background.join();
}

// It stayed the walk that everybody waits for.
TEST_F(BackgroundWalkerTest, AWalkThatRunsOutOfMemoryIsOver) {
  during_ = [this] {
    --at_a_time_;
    throw std::bad_alloc();
  };
  EXPECT_EQ(walker_.WalkNow(Detail::kMappings).status().code(),
            absl::StatusCode::kResourceExhausted);
  walker_.WalkIfDue();
  EXPECT_EQ(walker_.Latest().latest.code(),
            absl::StatusCode::kResourceExhausted);
  during_ = nullptr;
  EXPECT_TRUE(walker_.WalkNow(Detail::kMappings).ok());
  EXPECT_EQ(walks_, 3);
}

}  // namespace
}  // namespace poolscope
