// Each trial once, small, with the object that the bench measures.
#include "poolscope/bench/all_trials.h"

#include <cmath>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "poolscope/bench/policy.h"
#include "poolscope/bench/trial.h"

namespace poolscope::bench {
namespace {

const Policy& Poolscope() {
  static const Policy& policy = *[] {
    const std::string directory =
        absl::StrCat(getenv("TEST_SRCDIR"), "/poolscope/bench");
    for (const PolicySpec& spec : AllPolicies()) {
      if (spec.role != Role::kOurs) continue;
      absl::StatusOr<Policy> loaded = LoadPolicy(spec, directory);
      if (!loaded.ok()) ADD_FAILURE() << loaded.status();
      return new Policy(*std::move(loaded));
    }
    return new Policy;
  }();
  return policy;
}

using Samples = std::map<std::string, std::vector<double>>;

Samples RunQuickly(const Trial& trial) {
  Samples samples;
  const absl::Status ran = trial.run(
      Poolscope(), {/*quick=*/true}, [&](absl::string_view cell, double value) {
        samples[std::string(cell)].push_back(value);
      });
  EXPECT_TRUE(ran.ok()) << trial.name << ": " << ran;
  return samples;
}

class AllTrialsTest : public testing::TestWithParam<size_t> {};

TEST_P(AllTrialsTest, GivesEachOfItsCellsAFigureAndLeavesNothingInUse) {
  const Trial& trial = AllTrials()[GetParam()];
  std::set<std::string> expected;
  for (const TrialCell& cell : trial.cells) expected.insert(cell.name);

  PoolFigures before = {};
  Poolscope().pool.figures(&before);
  std::set<std::string> given;
  for (const auto& [cell, values] : RunQuickly(trial)) {
    given.insert(cell);
    for (const double value : values) {
      EXPECT_TRUE(std::isfinite(value)) << cell;
    }
  }
  EXPECT_EQ(given, expected);

  PoolFigures after = {};
  Poolscope().pool.figures(&after);
  // Neither the registry of channels nor a walk takes anything from a pool.
  if (trial.name != "channel_cost" &&
      !absl::StartsWith(trial.name, "walk_cost")) {
    EXPECT_GT(after.allocations, before.allocations);
  }
  EXPECT_EQ(after.allocations - before.allocations,
            after.deallocations - before.deallocations);
  EXPECT_EQ(after.pinned_bytes, before.pinned_bytes);
}

INSTANTIATE_TEST_SUITE_P(Each, AllTrialsTest,
                         testing::Range<size_t>(0, AllTrials().size()),
                         [](const testing::TestParamInfo<size_t>& info) {
                           return AllTrials()[info.param].name;
                         });

TEST(AllTrialsNamesTest, AreUnique) {
  std::set<std::string> trials;
  std::set<std::string> cells;
  for (const Trial& trial : AllTrials()) {
    EXPECT_TRUE(trials.insert(trial.name).second) << trial.name;
    for (const TrialCell& cell : trial.cells) {
      EXPECT_TRUE(cells.insert(cell.name).second) << cell.name;
    }
  }
}

TEST(TrialTest, OnlyAllocatorsTakePartAndPeersOnlyWhereTheyCan) {
  Trial trial;
  Policy policy;
  policy.role = Role::kFloor;
  EXPECT_FALSE(trial.Takes(policy));
  policy.role = Role::kNoStats;
  EXPECT_FALSE(trial.Takes(policy));
  policy.role = Role::kPeer;
  EXPECT_TRUE(trial.Takes(policy));
  trial.ours_only = true;
  EXPECT_FALSE(trial.Takes(policy));
  policy.role = Role::kOurs;
  EXPECT_TRUE(trial.Takes(policy));
  policy.role = Role::kVariant;
  EXPECT_TRUE(trial.Takes(policy));
}

TEST(BarTest, HoldsAtItsValueAndOnItsSide) {
  const Bar most = {Bar::Side::kAtMost, 10};
  EXPECT_TRUE(most.Holds(10));
  EXPECT_FALSE(most.Holds(10.01));
  const Bar least = {Bar::Side::kAtLeast, 90};
  EXPECT_TRUE(least.Holds(90));
  EXPECT_FALSE(least.Holds(89.99));
}

}  // namespace
}  // namespace poolscope::bench
