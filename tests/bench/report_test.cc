#include "poolscope/bench/report.h"

#include <optional>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "poolscope/bench/policy.h"
#include "poolscope/bench/runner.h"

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
      "  best peer   ratio\n"
      "hot/16                     8.00          -       2.00       6.00"
      "      glibc    0.75\n"
      "hot/64                        -      12.35          -          -"
      "          -       -\n");
}

TEST(CsvTest, RowsHaveTheHeadersColumns) {
  EXPECT_EQ(CsvHeader(), "cell,policy,median_ns,min_ns,p90_ns\n");
  EXPECT_EQ(CsvRow(Entry("hot/16", "poolscope", 5)),
            "hot/16,poolscope,5.000,4.000,6.000\n");
}

}  // namespace
}  // namespace poolscope::bench
