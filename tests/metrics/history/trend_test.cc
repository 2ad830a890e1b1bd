#include "poolscope/metrics/history/trend.h"

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "poolscope/metrics/history/exposition_split.h"
#include "poolscope/metrics/metric_names.h"

namespace poolscope {
namespace {

// Adds a scrape as it stands on /metrics.
bool Add(MetricHistory& history, int64_t nanos, const std::string& text) {
  std::string names;
  std::string values;
  SplitExposition(text, names, values);
  return history.Add(nanos, std::make_shared<const std::string>(names), values);
}

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr int64_t kSecond = 1000000000;

std::string Scrape(uint64_t used_bytes, uint64_t pinned_bytes) {
  return absl::StrCat(
      "# TYPE poolscope_direct_memory_used_bytes gauge\n"
      "poolscope_direct_memory_used_bytes{allocator=\"rpc\"} ",
      used_bytes,
      "\n# TYPE poolscope_direct_memory_limit_bytes gauge\n"
      "poolscope_direct_memory_limit_bytes{allocator=\"rpc\"} ",
      100 * kMiB,
      "\n# TYPE poolscope_arena_pinned_bytes gauge\n"
      "poolscope_arena_pinned_bytes{allocator=\"rpc\",arena=\"0\"} ",
      pinned_bytes,
      "\npoolscope_arena_pinned_bytes{allocator=\"rpc\",arena=\"1\"} 10\n");
}

const Trend* Find(const std::vector<Trend>& trends, absl::string_view name) {
  for (const Trend& trend : trends) {
    if (trend.name == name) return &trend;
  }
  return nullptr;
}

TEST(TrendTest, GrowthLeadsToTheLimit) {
  MetricHistory history;
  for (int i = 0; i <= 60; ++i) {
    Add(history, i * kSecond, Scrape((20 + i) * kMiB, i));
  }
  const std::vector<Trend> trends = MakeTrends(history);
  ASSERT_EQ(trends.size(), 2u);
  const Trend* const used = Find(trends, "used: rpc");
  ASSERT_NE(used, nullptr);
  EXPECT_EQ(used->first, 20 * kMiB);
  EXPECT_EQ(used->last, 80 * kMiB);
  EXPECT_EQ(used->most, 80 * kMiB);
  EXPECT_DOUBLE_EQ(used->growth_a_minute, 60.0 * kMiB);
  EXPECT_EQ(used->limit, 100.0 * kMiB);
  ASSERT_TRUE(used->seconds_to_limit.has_value());
  EXPECT_NEAR(*used->seconds_to_limit, 20, 1e-6);
  // Arenas are summed; there is no limit.
  const Trend* const pinned = Find(trends, "pinned: rpc");
  ASSERT_NE(pinned, nullptr);
  EXPECT_EQ(pinned->first, 10);
  EXPECT_EQ(pinned->last, 70);
  EXPECT_FALSE(pinned->limit.has_value());
}

TEST(TrendTest, EachKeyFigureHasARowForEachOfWhatItIsOf) {
  const struct {
    const char* family;
    const char* labels;
    const char* row;
  } kRows[] = {
      {"process_resident_memory_bytes", "", "resident"},
      {"poolscope_cgroup_memory_usage_bytes", "", "cgroup usage"},
      {"poolscope_direct_memory_used_bytes", "{allocator=\"a\"}", "used: a"},
      {"poolscope_arena_pinned_bytes", "{arena=\"0\",allocator=\"a\"}",
       "pinned: a"},
      {"poolscope_arena_cached_bytes", "{allocator=\"a\",arena=\"0\"}",
       "cached: a"},
      {"poolscope_outbound_pending_bytes", "{group=\"g\"}",
       "waiting for peers: g"},
      {"poolscope_native_memory_unattributed_bytes", "",
       "resident, of no owner"},
      {"poolscope_allocation_failures_total",
       "{allocator=\"a\",reason=\"limit\"}", "refused: a"},
      {"poolscope_leaks_total", "{allocator=\"a\",verdict=\"suspect\"}",
       "leaks: suspect"},
  };
  std::string scrape;
  for (const auto& row : kRows) {
    absl::StrAppend(&scrape, "# TYPE ", row.family, " gauge\n", row.family,
                    row.labels, " 5\n");
    const bool known = absl::c_any_of(AllMetrics(), [&](const MetricRow& each) {
      return each.descriptor.name == row.family;
    });
    EXPECT_TRUE(known) << row.family;
  }
  MetricHistory history;
  Add(history, kSecond, scrape);
  const std::vector<Trend> trends = MakeTrends(history);
  ASSERT_EQ(trends.size(), std::size(kRows));
  for (size_t i = 0; i < trends.size(); ++i) {
    EXPECT_EQ(trends[i].name, kRows[i].row);
    EXPECT_EQ(trends[i].last, 5);
    EXPECT_EQ(trends[i].bytes, !absl::EndsWith(kRows[i].family, "_total"));
  }
}

TEST(TrendTest, WhatShrinksReachesNoLimit) {
  MetricHistory history;
  for (int i = 0; i <= 30; ++i) {
    Add(history, i * kSecond, Scrape((90 - i) * kMiB, 0));
  }
  const std::vector<Trend> trends = MakeTrends(history);
  const Trend* const used = Find(trends, "used: rpc");
  ASSERT_NE(used, nullptr);
  EXPECT_EQ(used->most, 90 * kMiB);
  EXPECT_DOUBLE_EQ(used->growth_a_minute, -60.0 * kMiB);
  EXPECT_FALSE(used->seconds_to_limit.has_value());
  EXPECT_TRUE(absl::StrContains(TrendText(trends, {kMiB, "MB"}), "-60MB"));
}

TEST(TrendTest, OnePointHasNoGrowth) {
  MetricHistory history;
  Add(history, 1, Scrape(5 * kMiB, 0));
  const std::vector<Trend> trends = MakeTrends(history);
  EXPECT_EQ(Find(trends, "used: rpc")->growth_a_minute, 0);
  EXPECT_TRUE(MakeTrends(MetricHistory()).empty());
}

TEST(TrendTest, ValuesThatNoIntegerHasAreTheNearest) {
  Trend trend;
  trend.name = "used";
  trend.last = 1e300;
  trend.first = std::numeric_limits<double>::quiet_NaN();
  trend.most = 18446744073709551616.0;  // 2^64
  trend.limit = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(absl::StrContains(
      TrendText({trend}, {1, "B"}),
      "used                        18446744073709551615B            0B "
      "18446744073709551615B            0B 18446744073709551615B"))
      << TrendText({trend}, {1, "B"});
}

TEST(TrendTest, ATableHasARowEach) {
  Trend used;
  used.name = "used: rpc";
  used.first = 20.0 * kMiB;
  used.last = used.most = 80.0 * kMiB;
  used.growth_a_minute = 60.0 * kMiB;
  used.limit = 100.0 * kMiB;
  used.seconds_to_limit = 19.2;
  Trend refused;
  refused.name = "refused: rpc";
  refused.bytes = false;
  refused.last = refused.most = 12;
  EXPECT_EQ(
      TrendText({used, refused}, {kMiB, "MB"}),
      "                                     last         first          most"
      "      a minute         limit  reached in\n"
      "used: rpc                            80MB          20MB          80MB"
      "         +60MB         100MB  20s\n"
      "refused: rpc                           12             0            12"
      "             0\n");
}

}  // namespace
}  // namespace poolscope
