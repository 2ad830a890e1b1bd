#include "poolscope/allocator/outbound/memory_governor.h"

#include <cmath>
#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/base/clock.h"

namespace poolscope {
namespace {

using Member = MemoryGovernor::Member;

class MemoryGovernorTest : public testing::Test {
 protected:
  // A limit of 1000: pauses above 800, resumes below 700.
  MemoryGovernorOptions Options() {
    MemoryGovernorOptions options;
    options.clock = &clock_;
    return options;
  }

  // A member that counts how often it is notified.
  std::unique_ptr<Member> Join(int* notified) {
    return governor_.Join([notified] { ++*notified; });
  }

  void Check(uint64_t used) {
    used_ = used;
    governor_.Check();
  }

  SimulatedClock clock_;
  uint64_t used_ = 0;
  MemoryGovernor governor_{Options(), [this] {
                             return MemoryUse{used_, 1000};
                           }};
};

TEST_F(MemoryGovernorTest, PausesAndResumesAndSaysSo) {
  int notified[2] = {};
  auto worst = Join(&notified[0]);
  auto other = Join(&notified[1]);
  worst->SetHeld(500);
  other->SetHeld(350);

  Check(800);
  EXPECT_FALSE(worst->paused());
  Check(850);
  EXPECT_TRUE(worst->paused());
  EXPECT_FALSE(other->paused());
  EXPECT_EQ(notified[0], 1);
  EXPECT_EQ(notified[1], 0);
  EXPECT_EQ(governor_.Stats().members, 2u);
  EXPECT_EQ(governor_.Stats().paused_members, 1u);
  EXPECT_EQ(governor_.Stats().pauses, 1u);

  Check(700);
  EXPECT_TRUE(worst->paused());
  Check(699);
  EXPECT_FALSE(worst->paused());
  EXPECT_EQ(notified[0], 2);
  EXPECT_EQ(notified[1], 0);
  EXPECT_EQ(governor_.Stats().paused_members, 0u);
  EXPECT_EQ(governor_.Stats().resumes, 1u);
}

TEST_F(MemoryGovernorTest, AMemberNeedNotBeNotified) {
  auto member = governor_.Join(nullptr);
  member->SetHeld(900);
  Check(900);
  EXPECT_TRUE(member->paused());
}

TEST_F(MemoryGovernorTest, HalfAssembledMessagesAreLetThroughOneByOne) {
  int notified = 0;
  std::vector<std::unique_ptr<Member>> members;
  for (int i = 0; i < 3; ++i) {
    members.push_back(Join(&notified));
    members[i]->SetHeld(300);
    members[i]->SetRemaining(30 - i);
  }
  Check(900);
  EXPECT_TRUE(members[0]->paused());
  EXPECT_FALSE(members[2]->paused());  // lacks least
  Check(900);
  EXPECT_TRUE(members[1]->paused());

  // Another is nearer now; the first one still goes on.
  members[1]->SetRemaining(1);
  Check(900);
  EXPECT_TRUE(members[1]->paused());
  EXPECT_FALSE(members[2]->paused());

  members[2]->SetNoMessage();
  members[2]->SetHeld(0);
  Check(750);  // between the marks
  EXPECT_FALSE(members[1]->paused());
  EXPECT_TRUE(members[0]->paused());

  members[1]->SetNoMessage();
  Check(750);
  EXPECT_FALSE(members[0]->paused());
}

TEST_F(MemoryGovernorTest, TheNextMessageOfAMemberIsNotLetThroughWithTheLast) {
  auto member = governor_.Join(nullptr);
  auto other = governor_.Join(nullptr);
  member->SetHeld(400);
  member->SetRemaining(1);
  other->SetHeld(500);
  other->SetRemaining(2);
  Check(900);
  EXPECT_FALSE(member->paused());
  EXPECT_TRUE(other->paused());
  // It begins another between two checks.
  member->SetNoMessage();
  member->SetRemaining(100);
  Check(900);
  EXPECT_TRUE(member->paused());
  EXPECT_FALSE(other->paused());
}

TEST_F(MemoryGovernorTest, AfterTheTimeoutTheLargestIsToldToReject) {
  int notified[2] = {};
  auto large = Join(&notified[0]);
  auto small = Join(&notified[1]);
  large->SetHeld(600);
  large->SetRemaining(20);
  small->SetHeld(300);
  small->SetRemaining(10);
  Check(900);
  EXPECT_TRUE(large->paused());
  EXPECT_EQ(notified[0], 1);

  clock_.Advance(absl::Seconds(5) - absl::Nanoseconds(1));
  Check(900);
  EXPECT_FALSE(large->TakeReject());
  clock_.Advance(absl::Nanoseconds(1));
  Check(900);
  EXPECT_EQ(notified[0], 2);
  EXPECT_EQ(governor_.Stats().rejections, 1u);
  EXPECT_FALSE(small->TakeReject());
  EXPECT_TRUE(large->TakeReject());
  EXPECT_FALSE(large->TakeReject());

  // The timer starts anew; then it is the other's turn, as the large one has
  // been told.
  clock_.Advance(absl::Seconds(5));
  Check(900);
  EXPECT_FALSE(large->TakeReject());
  EXPECT_TRUE(small->TakeReject());
}

TEST_F(MemoryGovernorTest, ACompletionOfAnyoneStartsTheTimerAnew) {
  auto member = governor_.Join(nullptr);
  member->SetHeld(900);
  member->SetRemaining(20);
  auto other = governor_.Join(nullptr);
  Check(900);
  for (int i = 0; i < 4; ++i) {
    clock_.Advance(absl::Seconds(4));
    other->SetRemaining(1);
    other->SetNoMessage();
    Check(900);
  }
  // One that ends amid its message is progress, too.
  clock_.Advance(absl::Seconds(4));
  other->SetRemaining(1);
  other.reset();
  Check(900);
  clock_.Advance(absl::Seconds(4));
  Check(900);
  EXPECT_EQ(governor_.Stats().rejections, 0u);
  // What is no message is none.
  member->SetHeld(800);
  clock_.Advance(absl::Seconds(1));
  auto third = governor_.Join(nullptr);
  third->SetNoMessage();
  third.reset();
  Check(900);
  EXPECT_TRUE(member->TakeReject());
}

TEST_F(MemoryGovernorTest, ARejectionMeansNoOtherMessageThanTheOneThatWas) {
  auto member = governor_.Join(nullptr);
  member->SetHeld(900);
  member->SetRemaining(20);
  Check(900);
  clock_.Advance(absl::Seconds(5));
  Check(900);
  EXPECT_EQ(governor_.Stats().rejections, 1u);
  member->SetNoMessage();
  member->SetRemaining(5);
  EXPECT_FALSE(member->TakeReject());
}

TEST_F(MemoryGovernorTest, WhoLeavesIsCountedNoMore) {
  auto member = governor_.Join(nullptr);
  auto other = governor_.Join(nullptr);
  member->SetHeld(900);
  Check(900);
  EXPECT_EQ(governor_.Stats().paused_members, 1u);
  member.reset();
  EXPECT_EQ(governor_.Stats().paused_members, 0u);
  EXPECT_EQ(governor_.Stats().members, 1u);
  // The one whose place has changed can still be told.
  other->SetHeld(900);
  Check(900);
  EXPECT_TRUE(other->paused());
}

TEST_F(MemoryGovernorTest, NotifyMayDoAnything) {
  std::vector<std::unique_ptr<Member>> joined;
  std::unique_ptr<Member> self;
  std::unique_ptr<Member> later;
  int calls = 0;
  int later_calls = 0;
  auto alive = std::make_shared<int>(0);
  self = governor_.Join([&, alive] {
    ++calls;
    self->SetHeld(1);
    EXPECT_EQ(governor_.Stats().paused_members, 2u);
    joined.push_back(governor_.Join(nullptr));
    governor_.Check();  // nothing
    self.reset();       // while it runs
    later.reset();      // before it is notified
    ++*alive;           // still there
  });
  later = governor_.Join([&] { ++later_calls; });
  self->SetHeld(500);
  later->SetHeld(400);
  Check(1500);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(later_calls, 0);
  EXPECT_EQ(*alive, 1);
  EXPECT_EQ(alive.use_count(), 1);
  EXPECT_EQ(governor_.Stats().members, 1u);
  Check(1500);
}

TEST_F(MemoryGovernorTest, WhoLeavesWaitsForANotifyUnderWay) {
  std::promise<void> entered;
  std::promise<void> go_on;
  bool done = false;
  auto member = governor_.Join([&] {
    entered.set_value();
    go_on.get_future().wait();
    done = true;
  });
  member->SetHeld(900);
  std::thread checker([&] { Check(900); });
  entered.get_future().wait();
  // The rest of the governor goes on meanwhile.
  EXPECT_EQ(governor_.Stats().paused_members, 1u);
  auto other = governor_.Join(nullptr);
  other.reset();
  governor_.Check();
  std::thread releaser([&] { go_on.set_value(); });
  member.reset();
  EXPECT_TRUE(done);
  releaser.join();
  checker.join();
}

TEST(MemoryGovernorOptionsTest, BadOnesAreRefusedByName) {
  const auto refusal = [](auto change) {
    MemoryGovernorOptions options;
    change(&options);
    const absl::Status status = MemoryGovernor::Validate(options);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  };
  using Options = MemoryGovernorOptions;
  for (double bad : {0.0, -0.1, 1.01, std::nan("")}) {
    EXPECT_TRUE(absl::StartsWith(
        refusal([&](Options* options) { options->pause_above = bad; }),
        "pause_above is "))
        << bad;
  }
  for (double bad : {0.0, -0.1, 0.81, std::nan("")}) {
    EXPECT_TRUE(absl::StartsWith(
        refusal([&](Options* options) { options->resume_below = bad; }),
        "resume_below is "))
        << bad;
  }
  EXPECT_EQ(refusal([](Options* options) {
              options->stall_timeout = absl::ZeroDuration();
            }),
            "stall_timeout is 0: give more than zero");
  EXPECT_EQ(refusal([](Options* options) { options->clock = nullptr; }),
            "clock is null: give Clock::Real()");
}

TEST(MemoryGovernorOptionsTest, TheDefaultsAndTheBoundsAreTaken) {
  EXPECT_TRUE(MemoryGovernor::Validate(MemoryGovernorOptions()).ok());
  MemoryGovernorOptions options;
  options.pause_above = 1;
  options.resume_below = 1;
  options.stall_timeout = absl::Nanoseconds(1);
  EXPECT_TRUE(MemoryGovernor::Validate(options).ok());
}

TEST(MemoryGovernorDeathTest, OptionsThatAreRefusedAreFatal) {
  MemoryGovernorOptions options;
  options.pause_above = 2;
  EXPECT_DEATH(MemoryGovernor(options, [] { return MemoryUse(); }),
               "memory governor: pause_above is 2");
}

TEST(MemoryGovernorDeathTest, EndingBeforeAMemberIsFatal) {
  EXPECT_DEATH(
      {
        auto governor = std::make_unique<MemoryGovernor>(
            MemoryGovernorOptions(), [] { return MemoryUse(); });
        auto member = governor->Join(nullptr);
        governor.reset();
      },
      "memory governor: ends before 1 of its members");
}

}  // namespace
}  // namespace poolscope
