#include "poolscope/metrics/history/metric_history.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

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

TEST(MetricHistoryTest, LinesOfManyScrapesBecomeSeries) {
  MetricHistory history;
  EXPECT_TRUE(Add(history, 10,
                  "# HELP a Of a.\n# TYPE a gauge\na{x=\"1 2\"} 5\n"
                  "# HELP b_total Of b.\n# TYPE b_total counter\nb_total 1\n"));
  EXPECT_TRUE(Add(history, 20,
                  "# HELP a Of a.\n# TYPE a gauge\na{x=\"1 2\"} 0.25\n"
                  "a{x=\"3\"} 7\n"));
  ASSERT_EQ(history.families().size(), 2u);
  const MetricHistory::Family& a = history.families()[0];
  EXPECT_EQ(a.name, "a");
  EXPECT_EQ(a.type, "gauge");
  EXPECT_EQ(a.help, "Of a.");
  ASSERT_EQ(a.series.size(), 2u);
  EXPECT_EQ(a.series[0].name, "a");
  EXPECT_EQ(a.series[0].labels, "{x=\"1 2\"}");
  ASSERT_EQ(a.series[0].points.size(), 2u);
  EXPECT_EQ(a.series[0].points[0].nanos, 10);
  EXPECT_EQ(a.series[0].points[0].value, "5");
  EXPECT_EQ(a.series[0].points[1].nanos, 20);
  EXPECT_EQ(a.series[0].points[1].value, "0.25");
  ASSERT_EQ(a.series[1].points.size(), 1u);
  EXPECT_EQ(a.series[1].points[0].nanos, 20);
  ASSERT_NE(history.Find("b_total"), nullptr);
  EXPECT_EQ(history.Find("b_total")->series[0].points.size(), 1u);
  EXPECT_EQ(history.Find("c"), nullptr);
  EXPECT_EQ(history.times(), (std::vector<int64_t>{10, 20}));
}

TEST(MetricHistoryTest, PartsOfAHistogramBelongToItsFamily) {
  MetricHistory history;
  Add(history, 1,
      "# HELP h H.\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 3\n"
      "h_sum 1.5\nh_count 3\n");
  ASSERT_EQ(history.families().size(), 1u);
  const std::vector<MetricHistory::Series>& series =
      history.families()[0].series;
  ASSERT_EQ(series.size(), 3u);
  EXPECT_EQ(series[0].name, "h_bucket");
  EXPECT_EQ(series[1].name, "h_sum");
  EXPECT_EQ(series[2].name, "h_count");
}

TEST(MetricHistoryTest, AScrapeThatIsNoLaterIsLeftOut) {
  MetricHistory history;
  EXPECT_TRUE(Add(history, 10, "# TYPE a gauge\na 1\n"));
  EXPECT_FALSE(Add(history, 10, "# TYPE a gauge\na 2\n"));
  EXPECT_FALSE(Add(history, 9, "# TYPE a gauge\na 3\n"));
  EXPECT_TRUE(Add(history, 11, "# TYPE a gauge\na 4\n"));
  const std::vector<MetricHistory::Point>& points =
      history.Find("a")->series[0].points;
  ASSERT_EQ(points.size(), 2u);
  EXPECT_EQ(points[1].value, "4");
}

TEST(MetricHistoryTest, NamesWithoutTheirValuesAreLeftOut) {
  MetricHistory history;
  const auto names = std::make_shared<const std::string>(
      "# TYPE a gauge\na{x=\"1\"}\na{x=\"2\"}\n");
  EXPECT_TRUE(history.Add(1, names, "5\n6\n"));
  EXPECT_FALSE(history.Add(2, names, "5\n"));
  EXPECT_FALSE(history.Add(3, names, "5\n6\n7\n"));
  EXPECT_TRUE(history.Add(4, names, "7\n8\n"));
  EXPECT_EQ(history.times(), (std::vector<int64_t>{1, 4}));
  const std::vector<MetricHistory::Series>& series = history.Find("a")->series;
  ASSERT_EQ(series.size(), 2u);
  ASSERT_EQ(series[1].points.size(), 2u);
  EXPECT_EQ(series[1].points[1].value, "8");
}

TEST(MetricHistoryTest, SeriesMayHaveNoFamilyOrOneThatIsOther) {
  MetricHistory history;
  EXPECT_TRUE(Add(history, 1, "a 1\n# other\n# TYPE b gauge\nb 2\n"));
  EXPECT_TRUE(Add(history, 2, "a 3\n"));
  ASSERT_NE(history.Find("a"), nullptr);
  EXPECT_EQ(history.Find("a")->type, "untyped");
  EXPECT_EQ(history.Find("a")->series[0].points.size(), 2u);
  EXPECT_EQ(history.Find("b")->series[0].points.size(), 1u);
}

}  // namespace
}  // namespace poolscope
