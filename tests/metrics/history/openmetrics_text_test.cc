#include "poolscope/metrics/history/openmetrics_text.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "poolscope/metrics/history/exposition_split.h"

namespace poolscope {
namespace {

// Adds a scrape as it stands on /metrics.
bool Add(MetricHistory& history, int64_t nanos, const std::string& text) {
  std::string names;
  std::string values;
  SplitExposition(text, names, values);
  return history.Add(nanos, std::make_shared<const std::string>(names), values);
}

std::string Text(const MetricHistory& history) {
  std::string text;
  WriteOpenMetricsText(
      history, [&](absl::string_view piece) { absl::StrAppend(&text, piece); });
  return text;
}

TEST(OpenMetricsTextTest, AFamilyStandsInOnePieceByTime) {
  MetricHistory history;
  Add(history, 1700000000123456789,
      "# HELP a_bytes Says \"a\".\n# TYPE a_bytes gauge\n"
      "a_bytes{x=\"1\"} 5\na_bytes{x=\"2\"} 6\n"
      "# HELP b_total B.\n# TYPE b_total counter\nb_total 1\n");
  Add(history, 1700000001000000000,
      "# HELP a_bytes Says \"a\".\n# TYPE a_bytes gauge\n"
      "a_bytes{x=\"1\"} 0.25\n"
      "# HELP b_total B.\n# TYPE b_total counter\nb_total 2\n");
  EXPECT_EQ(Text(history),
            "# TYPE a_bytes gauge\n"
            "# HELP a_bytes Says \\\"a\\\".\n"
            "a_bytes{x=\"1\"} 5 1700000000.123\n"
            "a_bytes{x=\"1\"} 0.25 1700000001.000\n"
            "a_bytes{x=\"2\"} 6 1700000000.123\n"
            "# TYPE b counter\n"
            "# HELP b B.\n"
            "b_total 1 1700000000.123\n"
            "b_total 2 1700000001.000\n"
            "# EOF\n");
}

TEST(OpenMetricsTextTest, WhatThatFormatDoesNotKnowIsOfTypeUnknown) {
  MetricHistory history;
  Add(history, 1000000000,
      "# HELP a A.\n# TYPE a untyped\na 1\n"
      "# HELP requests R.\n# TYPE requests counter\nrequests 2\n");
  EXPECT_EQ(Text(history),
            "# TYPE a unknown\n# HELP a A.\na 1 1.000\n"
            "# TYPE requests unknown\n# HELP requests R.\nrequests 2 1.000\n"
            "# EOF\n");
}

TEST(OpenMetricsTextTest, ACounterLeavesItsShortNameToTheFamilyThatHasIt) {
  MetricHistory history;
  Add(history, 1000000000,
      "# HELP a_total C.\n# TYPE a_total counter\na_total 1\n"
      "# HELP a G.\n# TYPE a gauge\na 2\n");
  EXPECT_EQ(Text(history),
            "# TYPE a_total unknown\n# HELP a_total C.\na_total 1 1.000\n"
            "# TYPE a gauge\n# HELP a G.\na 2 1.000\n"
            "# EOF\n");
}

TEST(OpenMetricsTextTest, OneSampleAMillisecond) {
  MetricHistory history;
  Add(history, 1000000, "# TYPE a gauge\na 1\n");
  Add(history, 1999999, "# TYPE a gauge\na 2\n");
  Add(history, 2000000, "# TYPE a gauge\na 3\n");
  EXPECT_EQ(Text(history),
            "# TYPE a gauge\n# HELP a \na 1 0.001\na 3 0.002\n# EOF\n");
}

TEST(OpenMetricsTextTest, ALongTextComesInPieces) {
  MetricHistory history;
  constexpr int kScrapes = 10000;
  const std::string label(120, 'v');
  for (int i = 1; i <= kScrapes; ++i) {
    Add(history, i * int64_t{1000000},
        absl::StrCat("# HELP a A.\n# TYPE a gauge\na{x=\"", label,
                     "\"} 1\na{y=\"", label, "\"} 2\n"));
  }
  int pieces = 0;
  std::string text;
  WriteOpenMetricsText(history, [&](absl::string_view piece) {
    ++pieces;
    absl::StrAppend(&text, piece);
  });
  EXPECT_EQ(pieces, 3);  // a series each, of more than 1 MiB, and the end
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2 * kScrapes + 3);
}

TEST(OpenMetricsTextTest, NothingIsAnEnd) {
  EXPECT_EQ(Text(MetricHistory()), "# EOF\n");
}

}  // namespace
}  // namespace poolscope
