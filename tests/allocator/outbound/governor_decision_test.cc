#include "poolscope/allocator/outbound/governor_decision.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/outbound/memory_governor_options.h"

namespace poolscope {
namespace {

constexpr uint64_t kLimit = 1000;
constexpr uint64_t kHigh = 800;
constexpr uint64_t kLow = 700;
constexpr int64_t kStallNanos = 5'000'000'000;
constexpr int64_t kNow = 100'000'000'000;

using Positions = std::vector<size_t>;

GovernorMember Backlog(uint64_t id, uint64_t held) {
  GovernorMember member;
  member.id = id;
  member.held_bytes = held;
  return member;
}

GovernorMember Message(uint64_t id, uint64_t held, uint64_t remaining) {
  GovernorMember member = Backlog(id, held);
  member.remaining_bytes = remaining;
  return member;
}

GovernorMember Paused(GovernorMember member, int64_t since = kNow) {
  member.paused = true;
  member.since_nanos = since;
  return member;
}

GovernorMember LetThrough(GovernorMember member, int64_t since = kNow) {
  member.let_through = true;
  member.since_nanos = since;
  return member;
}

// Decides with a limit of 1000. `before`: the use at the last decision.
GovernorDecision Decide(uint64_t used, uint64_t before,
                        const std::vector<GovernorMember>& members) {
  GovernorView view;
  view.use = {used, kLimit};
  view.members = members;
  view.now_nanos = kNow;
  view.history.used_bytes = before;
  return DecideOnMemory(MemoryGovernorOptions{}, view);
}

// ---------------------------------------------------------------- the marks

TEST(GovernorDecisionTest, BothMarksAreStrict) {
  const std::vector<GovernorMember> members = {Backlog(1, 300),
                                               Paused(Backlog(2, 300))};
  for (uint64_t used : {kLow, kLow + 1, kHigh - 1, kHigh}) {
    const GovernorDecision decision = Decide(used, used, members);
    EXPECT_EQ(decision.pause, Positions{}) << used;
    EXPECT_EQ(decision.resume, Positions{}) << used;
  }
  EXPECT_EQ(Decide(kHigh + 1, 0, members).pause, Positions{0});
  EXPECT_EQ(Decide(kLow - 1, 0, members).resume, Positions{1});
}

TEST(GovernorDecisionTest, MarksAreSharesOfTheLimit) {
  MemoryGovernorOptions options;
  options.pause_above = 1;
  options.resume_below = 1;
  const std::vector<GovernorMember> members = {Backlog(1, 10),
                                               Paused(Backlog(2, 10))};
  GovernorView view;
  view.members = members;
  for (uint64_t limit : {uint64_t{1000}, UINT64_MAX - 1}) {
    view.use = {limit, limit};
    EXPECT_EQ(DecideOnMemory(options, view).pause, Positions{}) << limit;
    EXPECT_EQ(DecideOnMemory(options, view).resume, Positions{}) << limit;
    view.use = {limit + 1, limit};
    EXPECT_EQ(DecideOnMemory(options, view).pause, Positions{0}) << limit;
    view.use = {limit - 1, limit};
    EXPECT_EQ(DecideOnMemory(options, view).resume, Positions{1}) << limit;
  }
}

TEST(GovernorDecisionTest, NobodyIsDecidedOnWhereThereAreNoMembers) {
  for (uint64_t used : {uint64_t{0}, kLow, kHigh + 1, kLimit}) {
    const GovernorDecision decision = Decide(used, 0, {});
    EXPECT_EQ(decision.pause, Positions{});
    EXPECT_EQ(decision.resume, Positions{});
    EXPECT_FALSE(decision.let_through.has_value());
    EXPECT_FALSE(decision.reject.has_value());
    EXPECT_EQ(decision.history.used_bytes, used);
  }
}

// ------------------------------------------------------------------ pausing

TEST(GovernorDecisionTest, PausesTheWorstOnlyAsManyAsHoldTheExcess) {
  const std::vector<GovernorMember> members = {Backlog(1, 100), Backlog(2, 300),
                                               Backlog(3, 200), Backlog(4, 0)};
  // 300 hold an excess over 700 of 300, not one of 301.
  EXPECT_EQ(Decide(999, 0, members).pause, Positions{1});
  EXPECT_EQ(Decide(1000, 0, members).pause, Positions{1});
  EXPECT_EQ(Decide(1001, 0, members).pause, (Positions{1, 2}));
  EXPECT_EQ(Decide(1201, 0, members).pause, (Positions{1, 2, 0}));
  // Who holds nothing frees nothing.
  EXPECT_EQ(Decide(5000, 0, members).pause, (Positions{1, 2, 0}));
}

TEST(GovernorDecisionTest, AmongEqualsTheLowestIdIsPausedFirst) {
  EXPECT_EQ(
      Decide(801, 0, {Backlog(9, 50), Backlog(3, 50), Backlog(5, 50)}).pause,
      (Positions{1, 2, 0}));
}

TEST(GovernorDecisionTest, WhatIsPausedCountsOnlyWhileTheUseFalls) {
  const std::vector<GovernorMember> members = {
      Paused(Backlog(1, 400)), Backlog(2, 200), Backlog(3, 100)};
  EXPECT_EQ(Decide(850, 851, members).pause, Positions{});
  EXPECT_EQ(Decide(850, 850, members).pause, Positions{1});
  EXPECT_EQ(Decide(850, 849, members).pause, Positions{1});
  // Even where it falls, what is paused must hold the excess.
  EXPECT_EQ(Decide(1100, 1101, members).pause, Positions{});
  EXPECT_EQ(Decide(1101, 1102, members).pause, Positions{1});
}

TEST(GovernorDecisionTest, AUseThatDoesNotFallPausesAllThatHoldMemory) {
  std::vector<GovernorMember> members;
  for (uint64_t id = 1; id <= 50; ++id) members.push_back(Backlog(id, id * 10));
  int checks = 0;
  for (;; ++checks) {
    const GovernorDecision decision = Decide(850, 850, members);
    if (decision.pause.empty()) break;
    for (size_t i : decision.pause) members[i].paused = true;
  }
  EXPECT_LE(checks, 50);
  for (const GovernorMember& member : members) EXPECT_TRUE(member.paused);
}

// ----------------------------------------------------------------- resuming

TEST(GovernorDecisionTest, ResumesTheLeastHoldingFirst) {
  std::vector<GovernorMember> members;
  for (uint64_t id = 1; id <= 17; ++id) {
    members.push_back(Paused(Backlog(id, 1000 - id)));
  }
  members.push_back(Backlog(18, 1));
  Positions resumed = Decide(600, 0, members).resume;
  ASSERT_EQ(resumed.size(), 16u);  // of 17
  EXPECT_EQ(resumed.front(), 16u);
  EXPECT_EQ(std::count(resumed.begin(), resumed.end(), 0), 0);
  members.erase(members.begin());
  EXPECT_EQ(Decide(600, 0, members).resume.size(), 16u);  // of 16
}

TEST(GovernorDecisionTest, NoCheckResumesMoreThanAnEighthOfMany) {
  std::vector<GovernorMember> members;
  for (uint64_t id = 1; id <= 100'000; ++id) {
    members.push_back(Paused(Backlog(id, id)));
  }
  size_t left = members.size();
  int checks = 0;
  while (left > 0) {
    const Positions resumed = Decide(600, 0, members).resume;
    EXPECT_LE(resumed.size(), std::max<size_t>(16, left / 8));
    for (size_t i : resumed) members[i].paused = false;
    left -= resumed.size();
    ++checks;
  }
  EXPECT_LE(checks, 60);
}

// ---------------------------------------------------------- letting through

TEST(GovernorDecisionTest, TheMessageNearestCompletionIsNotPaused) {
  // The worst by far, and the one that would bring the use down.
  const GovernorDecision decision = Decide(
      900, 0, {Message(1, 500, 10), Message(2, 100, 20), Message(3, 250, 30)});
  EXPECT_EQ(decision.let_through, 0u);
  EXPECT_EQ(decision.pause, (Positions{2}));
}

TEST(GovernorDecisionTest, TheOthersHoldTheExcessWhenTheWorstIsLetThrough) {
  const GovernorDecision decision = Decide(
      900, 0, {Message(1, 800, 10), Message(2, 50, 20), Message(3, 50, 30)});
  EXPECT_EQ(decision.let_through, 0u);
  EXPECT_EQ(decision.pause, (Positions{1, 2}));
}

TEST(GovernorDecisionTest, AmongEquallyNearTheLowestIdIsLetThrough) {
  const GovernorDecision decision = Decide(
      900, 0, {Message(7, 300, 10), Message(5, 300, 10), Message(6, 300, 10)});
  EXPECT_EQ(decision.let_through, 1u);
}

TEST(GovernorDecisionTest, WhoeverIsLetThroughStaysSo) {
  // Now another is nearer.
  const GovernorDecision decision =
      Decide(900, 0, {LetThrough(Message(1, 500, 10)), Message(2, 400, 1)});
  EXPECT_FALSE(decision.let_through.has_value());
  EXPECT_EQ(decision.pause, Positions{1});
}

TEST(GovernorDecisionTest, NobodyIsLetThroughWhereNoMessageIsHeldUp) {
  // Backlog alone is paused.
  EXPECT_FALSE(Decide(750, 750, {Paused(Backlog(1, 700)), Message(2, 50, 9)})
                   .let_through.has_value());
  EXPECT_FALSE(
      Decide(900, 0, {Backlog(1, 850), Message(2, 50, 9)}).let_through);
}

TEST(GovernorDecisionTest, BetweenTheMarksAPausedMessageIsLetThrough) {
  // Nobody else would ever go on: the memory is theirs.
  const GovernorDecision decision = Decide(
      750, 750, {Paused(Message(1, 400, 20)), Paused(Message(2, 350, 10))});
  EXPECT_EQ(decision.let_through, 1u);
  EXPECT_EQ(decision.resume, Positions{});
}

TEST(GovernorDecisionTest, AMessageThatHoldsNothingIsNotWaitedFor) {
  EXPECT_EQ(Decide(750, 750, {Paused(Message(1, 750, 20)), Message(2, 0, 1)})
                .let_through,
            0u);
}

TEST(GovernorDecisionTest, TheNextIsLetThroughWhenOneTakesTooLong) {
  const auto decide = [](int64_t since) {
    return Decide(750, 750,
                  {LetThrough(Message(1, 400, 1), since),
                   Paused(Message(2, 200, 20)), Paused(Message(3, 150, 10))})
        .let_through;
  };
  EXPECT_FALSE(decide(kNow - kStallNanos + 1).has_value());
  EXPECT_EQ(decide(kNow - kStallNanos), 2u);
}

TEST(GovernorDecisionTest, WhoHasWaitedLongestGoesBeforeNearerOnes) {
  const auto decide = [](int64_t first, int64_t second) {
    return Decide(750, 750,
                  {Paused(Message(1, 500, 90), first),
                   Paused(Message(2, 200, 80), second), Message(3, 50, 1)})
        .let_through;
  };
  EXPECT_EQ(decide(kNow - kStallNanos + 1, kNow), 2u);
  EXPECT_EQ(decide(kNow - kStallNanos, kNow), 0u);
  EXPECT_EQ(decide(kNow - kStallNanos, kNow - kStallNanos - 1), 1u);
  EXPECT_EQ(decide(kNow - kStallNanos, kNow - kStallNanos), 1u);
}

TEST(GovernorDecisionTest, AMessageToldToRejectIsNotLetThrough) {
  GovernorMember told = Paused(Message(1, 400, 1));
  told.told_to_reject = true;
  EXPECT_EQ(Decide(750, 750, {told, Paused(Message(2, 350, 10))}).let_through,
            1u);
  // Nor waited for, where it had been.
  told = LetThrough(Message(1, 400, 1));
  told.told_to_reject = true;
  EXPECT_EQ(Decide(750, 750, {told, Paused(Message(2, 350, 10))}).let_through,
            1u);
}

// ---------------------------------------------------------------- rejecting

class GovernorRejectionTest : public testing::Test {
 protected:
  // A decision above the upper mark, stalled for `stalled`.
  GovernorDecision Decide(int64_t stalled, bool completed = false) {
    GovernorView view;
    view.use = {used_, kLimit};
    view.members = members_;
    view.completed = completed;
    view.now_nanos = kNow;
    view.history.used_bytes = used_;
    view.history.stalled_since_nanos = kNow - stalled;
    return DecideOnMemory(MemoryGovernorOptions{}, view);
  }

  uint64_t used_ = 900;
  std::vector<GovernorMember> members_ = {
      LetThrough(Message(1, 100, 10)), Paused(Message(2, 200, 20)),
      Paused(Message(3, 200, 30)), Backlog(4, 400)};
};

TEST_F(GovernorRejectionTest, TheLargestMessageAfterTheTimeout) {
  EXPECT_FALSE(Decide(kStallNanos - 1).reject.has_value());
  // Of two equals the lower id; what has no message is none to reject.
  EXPECT_EQ(Decide(kStallNanos).reject, 1u);
}

TEST_F(GovernorRejectionTest, TheTimerStartsAnewWithEachRejection) {
  EXPECT_EQ(Decide(kStallNanos - 1).history.stalled_since_nanos,
            kNow - kStallNanos + 1);
  EXPECT_EQ(Decide(kStallNanos).history.stalled_since_nanos, kNow);
}

TEST_F(GovernorRejectionTest, TheTimerStartsAnewWithEachCompletion) {
  const GovernorDecision decision = Decide(kStallNanos, /*completed=*/true);
  EXPECT_FALSE(decision.reject.has_value());
  EXPECT_EQ(decision.history.stalled_since_nanos, kNow);
}

TEST_F(GovernorRejectionTest, TheTimerRunsAboveTheUpperMarkAlone) {
  used_ = kHigh;
  const GovernorDecision decision = Decide(2 * kStallNanos);
  EXPECT_FALSE(decision.reject.has_value());
  EXPECT_FALSE(decision.history.stalled_since_nanos.has_value());
}

TEST_F(GovernorRejectionTest, TheTimerBeginsWhenTheUseIsAbove) {
  GovernorView view;
  view.use = {used_, kLimit};
  view.members = members_;
  view.now_nanos = kNow;
  const GovernorDecision decision =
      DecideOnMemory(MemoryGovernorOptions{}, view);
  EXPECT_FALSE(decision.reject.has_value());
  EXPECT_EQ(decision.history.stalled_since_nanos, kNow);
}

TEST_F(GovernorRejectionTest, EachMessageIsToldOnce) {
  members_[1].told_to_reject = true;
  EXPECT_EQ(Decide(kStallNanos).reject, 2u);
  members_[2].told_to_reject = true;
  EXPECT_EQ(Decide(kStallNanos).reject, 0u);
  members_[0].told_to_reject = true;
  EXPECT_FALSE(Decide(kStallNanos).reject.has_value());
}

TEST_F(GovernorRejectionTest, TheNextIsLetThroughWhenThatOneIsRejected) {
  members_[0].held_bytes = 300;
  const GovernorDecision decision = Decide(kStallNanos);
  EXPECT_EQ(decision.reject, 0u);
  EXPECT_EQ(decision.let_through, 1u);
}

// ------------------------------------------------------------ random traces

// Any state at all, such as no governor would come to.
TEST(GovernorDecisionTraceTest, InvariantsHoldInEveryState) {
  std::mt19937_64 random(20261);
  const auto below = [&](uint64_t n) { return random() % n; };
  for (int round = 0; round < 50'000; ++round) {
    std::vector<GovernorMember> members(below(12));
    for (size_t i = 0; i < members.size(); ++i) {
      GovernorMember& member = members[i];
      member.id = i + 1;
      member.held_bytes = below(4) == 0 ? 0 : below(400);
      if (below(2) == 0) member.remaining_bytes = below(5);
      member.paused = below(2) == 0;
      if (member.remaining_bytes.has_value()) {
        member.let_through = !member.paused && below(3) == 0;
        member.told_to_reject = below(4) == 0;
      }
      member.since_nanos = kNow - static_cast<int64_t>(below(2 * kStallNanos));
    }
    GovernorView view;
    view.use = {below(1100), kLimit};
    view.members = members;
    view.completed = below(4) == 0;
    view.now_nanos = kNow;
    view.history.used_bytes = below(3) == 0 ? view.use.used_bytes : below(1100);
    if (below(2) == 0) {
      view.history.stalled_since_nanos =
          kNow - static_cast<int64_t>(below(2 * kStallNanos));
    }
    const GovernorDecision decision =
        DecideOnMemory(MemoryGovernorOptions{}, view);
    const uint64_t used = view.use.used_bytes;
    SCOPED_TRACE(testing::Message() << "round " << round);

    // Hysteresis.
    if (used <= kHigh) {
      ASSERT_EQ(decision.pause, Positions{});
      ASSERT_FALSE(decision.reject.has_value());
    }
    if (used >= kLow) {
      ASSERT_EQ(decision.resume, Positions{});
    }

    std::vector<bool> paused(members.size());
    for (size_t i = 0; i < members.size(); ++i) paused[i] = members[i].paused;
    for (size_t i : decision.pause) {
      ASSERT_FALSE(paused[i]);
      ASSERT_FALSE(members[i].let_through);
      ASSERT_GT(members[i].held_bytes, 0u);
      paused[i] = true;
    }
    for (size_t i : decision.resume) {
      ASSERT_TRUE(paused[i]);
      paused[i] = false;
    }
    if (decision.let_through.has_value()) {
      const size_t i = *decision.let_through;
      ASSERT_TRUE(members[i].remaining_bytes.has_value());
      ASSERT_EQ(std::count(decision.pause.begin(), decision.pause.end(), i), 0);
      paused[i] = false;
    }

    // The worst are paused first.
    uint64_t least_paused = UINT64_MAX;
    for (size_t i : decision.pause) {
      least_paused = std::min(least_paused, members[i].held_bytes);
    }
    bool anyone_left = false;
    for (size_t i = 0; i < members.size(); ++i) {
      if (paused[i] || members[i].let_through || decision.let_through == i) {
        continue;
      }
      if (!decision.pause.empty()) {
        ASSERT_LE(members[i].held_bytes, least_paused);
      }
      anyone_left |= members[i].held_bytes > 0;
    }
    // Above the upper mark and not falling: somebody is paused, unless nobody
    // is left.
    if (used > kHigh && used >= view.history.used_bytes) {
      ASSERT_TRUE(!decision.pause.empty() || !anyone_left);
    }
    // Below the lower mark somebody goes on.
    if (used < kLow &&
        std::any_of(members.begin(), members.end(),
                    [](const GovernorMember& m) { return m.paused; })) {
      ASSERT_FALSE(decision.resume.empty());
    }
    // Never are all messages paused that hold memory, or have been let through
    // to hold it.
    size_t messages = 0;
    size_t paused_messages = 0;
    for (size_t i = 0; i < members.size(); ++i) {
      const GovernorMember& member = members[i];
      if (!member.remaining_bytes.has_value() || member.told_to_reject ||
          decision.reject == i ||
          (member.held_bytes == 0 && !member.let_through &&
           decision.let_through != i)) {
        continue;
      }
      ++messages;
      if (paused[i]) ++paused_messages;
    }
    if (used >= kLow && messages > 0) {
      ASSERT_LT(paused_messages, messages);
    }
  }
}

}  // namespace
}  // namespace poolscope
