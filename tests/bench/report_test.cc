#include "poolscope/bench/report.h"

#include <optional>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "poolscope/bench/policy.h"
#include "poolscope/bench/runner.h"
#include "poolscope/bench/trial.h"

namespace poolscope::bench {
namespace {

Policy Named(const char* name, Role role) {
  Policy policy;
  policy.name = name;
  policy.role = role;
  return policy;
}

Measurement Entry(const char* cell, const char* policy, double median_ns) {
  return {"hot pair", cell, policy, median_ns, median_ns - 1, median_ns + 1};
}

const std::vector<Policy>& Policies() {
  static const auto& policies = *new std::vector<Policy>{
      Named("glibc", Role::kPeer), Named("tcmalloc", Role::kPeer),
      Named("floor", Role::kFloor), Named("poolscope", Role::kOurs)};
  return policies;
}

TEST(CompareTest, BestPeerIsTheFastestAndNeverTheFloor) {
  const std::optional<Comparison> comparison =
      Compare({Entry("hot/16", "glibc", 8), Entry("hot/16", "tcmalloc", 4),
               Entry("hot/16", "floor", 2), Entry("hot/16", "poolscope", 5)},
              Policies());
  ASSERT_TRUE(comparison.has_value());
  EXPECT_EQ(comparison->best_peer, "tcmalloc");
  EXPECT_DOUBLE_EQ(comparison->ratio, 1.25);
}

TEST(CompareTest, NothingToCompareWithoutUsOrWithoutAPeer) {
  EXPECT_FALSE(Compare({Entry("hot/16", "glibc", 8)}, Policies()).has_value());
  EXPECT_FALSE(
      Compare({Entry("hot/16", "floor", 2), Entry("hot/16", "poolscope", 5)},
              Policies())
          .has_value());
}

TEST(FormatTablesTest, ACellIsARowAndAMissingPolicyADash) {
  EXPECT_EQ(
      FormatTables({Entry("hot/16", "glibc", 8), Entry("hot/16", "floor", 2),
                    Entry("hot/16", "poolscope", 6),
                    Entry("hot/64", "tcmalloc", 12.345)},
                   Policies()),
      "\nhot pair, ns a pair (median)\n"
      "                          glibc   tcmalloc      floor  poolscope"
      "  best peer   ratio  stats cost\n"
      "hot/16                     8.00          -       2.00       6.00"
      "      glibc    0.75           -\n"
      "hot/64                        -      12.35          -          -"
      "          -       -           -\n");
}

const std::vector<Policy>& PoliciesAndOurOthers() {
  static const auto& policies = *new std::vector<Policy>{
      Named("glibc", Role::kPeer), Named("poolscope", Role::kOurs),
      Named("buddy", Role::kVariant), Named("no_stats", Role::kNoStats)};
  return policies;
}

TEST(StatisticsCostTest, IsOursLessThatWithout) {
  const std::optional<double> cost = StatisticsCost(
      {Entry("hot/16", "glibc", 8), Entry("hot/16", "buddy", 1),
       Entry("hot/16", "poolscope", 5.5), Entry("hot/16", "no_stats", 5)},
      PoliciesAndOurOthers());
  ASSERT_TRUE(cost.has_value());
  EXPECT_DOUBLE_EQ(*cost, 0.5);
  EXPECT_FALSE(
      StatisticsCost({Entry("hot/16", "poolscope", 5)}, PoliciesAndOurOthers())
          .has_value());
  EXPECT_FALSE(
      StatisticsCost({Entry("hot/16", "no_stats", 5)}, PoliciesAndOurOthers())
          .has_value());
}

TEST(CompareTest, OurOthersAreNeitherOursNorPeers) {
  const std::optional<Comparison> comparison =
      Compare({Entry("hot/16", "glibc", 8), Entry("hot/16", "poolscope", 6),
               Entry("hot/16", "buddy", 1), Entry("hot/16", "no_stats", 2)},
              PoliciesAndOurOthers());
  ASSERT_TRUE(comparison.has_value());
  EXPECT_EQ(comparison->best_peer, "glibc");
  EXPECT_DOUBLE_EQ(comparison->ratio, 0.75);
}

TEST(FormatTablesTest, TheCostOfStatisticsEndsTheRow) {
  EXPECT_EQ(FormatTables(
                {Entry("hot/16", "glibc", 8), Entry("hot/16", "poolscope", 6),
                 Entry("hot/16", "buddy", 7), Entry("hot/16", "no_stats", 5.5)},
                PoliciesAndOurOthers()),
            "\nhot pair, ns a pair (median)\n"
            "                          glibc  poolscope      buddy   no_stats"
            "  best peer   ratio  stats cost\n"
            "hot/16                     8.00       6.00       7.00       5.50"
            "      glibc    0.75        0.50\n");
}

TEST(FormatTrialTablesTest, AGroupIsATableWithItsBars) {
  Trial floor;
  floor.group = "memory";
  floor.cells = {{"memory/floor_kib", Bar{Bar::Side::kAtMost, 1024}},
                 {"memory/unmeasured_kib", std::nullopt}};
  Trial trim;
  trim.group = "memory";
  trim.cells = {{"trim/kib", std::nullopt}};
  Trial scaling;
  scaling.group = "scaling";
  scaling.cells = {{"scaling/percent", Bar{Bar::Side::kAtLeast, 90}}};
  EXPECT_EQ(
      FormatTrialTables(
          {{"memory", "memory/floor_kib", "glibc", 2000, 0, 0},
           {"memory", "memory/floor_kib", "poolscope", 1024, 0, 0},
           {"memory", "trim/kib", "poolscope", 3.456, 0, 0},
           {"scaling", "scaling/percent", "poolscope", 89.9, 0, 0}},
          {floor, trim, scaling}),
      "\nmemory (median)\n"
      "                                                  glibc  poolscope"
      "        bar\n"
      "memory/floor_kib                                2000.00    1024.00"
      "    <= 1024  held\n"
      "trim/kib                                              -       3.46\n"
      "\nscaling (median)\n"
      "                                              poolscope        bar\n"
      "scaling/percent                                   89.90      >= 90"
      "  missed\n");
}

TEST(CsvTest, ABarIsARow) {
  EXPECT_EQ(CsvRow({"a_kib", std::nullopt}, Bar{Bar::Side::kAtMost, 12.5}),
            "a_kib,bar_at_most,12.500,12.500,12.500\n");
  EXPECT_EQ(CsvRow({"a_kib", std::nullopt}, Bar{Bar::Side::kAtLeast, 90}),
            "a_kib,bar_at_least,90.000,90.000,90.000\n");
}

TEST(CsvTest, RowsHaveTheHeadersColumns) {
  EXPECT_EQ(CsvHeader(), "cell,policy,median_ns,min_ns,p90_ns\n");
  EXPECT_EQ(CsvRow(Entry("hot/16", "poolscope", 5)),
            "hot/16,poolscope,5.000,4.000,6.000\n");
}

}  // namespace
}  // namespace poolscope::bench
