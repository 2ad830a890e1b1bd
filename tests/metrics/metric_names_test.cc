#include "poolscope/metrics/metric_names.h"

#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"

namespace poolscope {
namespace {

TEST(MetricNamesTest, NamesAreUnique) {
  std::set<std::string> names;
  for (const MetricRow& row : AllMetrics()) {
    EXPECT_TRUE(names.emplace(row.descriptor.name).second)
        << row.descriptor.name;
  }
  EXPECT_EQ(names.size(), kMetricCount);
}

TEST(MetricNamesTest, OnlyStandardProcessMetricsLackThePrefix) {
  for (const MetricRow& row : AllMetrics()) {
    const absl::string_view name = row.descriptor.name;
    EXPECT_TRUE(absl::StartsWith(name, "poolscope_") ||
                name == "process_resident_memory_bytes" ||
                name == "process_virtual_memory_bytes" ||
                name == "process_start_time_seconds")
        << name;
  }
}

TEST(MetricNamesTest, CountersAndOnlyCountersEndInTotal) {
  for (const MetricRow& row : AllMetrics()) {
    EXPECT_EQ(absl::EndsWith(row.descriptor.name, "_total"),
              row.descriptor.type == MetricType::kCounter)
        << row.descriptor.name;
  }
}

TEST(MetricNamesTest, NamesEndInTheirUnit) {
  for (const MetricRow& row : AllMetrics()) {
    const absl::string_view name =
        absl::StripSuffix(row.descriptor.name, "_total");
    for (absl::string_view unit : {"bytes", "seconds"}) {
      EXPECT_EQ(absl::EndsWith(name, absl::StrCat("_", unit)),
                row.descriptor.unit == unit)
          << row.descriptor.name;
    }
  }
}

TEST(MetricNamesTest, InfosEndInInfo) {
  for (const MetricRow& row : AllMetrics()) {
    EXPECT_EQ(absl::EndsWith(row.descriptor.name, "_info"),
              row.descriptor.type == MetricType::kInfo)
        << row.descriptor.name;
  }
}

TEST(MetricNamesTest, HelpIsASentence) {
  for (const MetricRow& row : AllMetrics()) {
    EXPECT_TRUE(absl::EndsWith(row.descriptor.help, "."))
        << row.descriptor.name;
  }
}

absl::string_view TypeName(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return "counter";
    case MetricType::kGauge:
      return "gauge";
    case MetricType::kHistogram:
      return "histogram";
    case MetricType::kInfo:
      return "info";
    case MetricType::kStateSet:
      return "state set";
    default:
      return "not in the catalogue";
  }
}

TEST(MetricNamesTest, DocumentationHasEveryMetricAsItIs) {
  std::ifstream file("docs/metrics.md");
  ASSERT_TRUE(file.good());
  const std::string page(std::istreambuf_iterator<char>(file), {});
  for (const MetricRow& row : AllMetrics()) {
    std::vector<std::string> labels;
    for (absl::string_view label :
         absl::StrSplit(row.labels, ',', absl::SkipEmpty())) {
      labels.push_back(absl::StrCat("`", label, "`"));
    }
    const std::string line = absl::StrCat(
        "| `", row.descriptor.name, "` | ", TypeName(row.descriptor.type),
        " | ", row.descriptor.unit, " | ", absl::StrJoin(labels, ", "), " | ",
        row.descriptor.help, " | ");
    EXPECT_TRUE(absl::StrContains(page, line)) << line;
  }
}

TEST(MetricNamesTest, DescribeFindsTheRow) {
  EXPECT_EQ(Describe(Metric::kArenaReservedBytes).name,
            "poolscope_arena_reserved_bytes");
  EXPECT_EQ(Describe(Metric::kDroppedSeries).name,
            "poolscope_dropped_series_total");
}

}  // namespace
}  // namespace poolscope
