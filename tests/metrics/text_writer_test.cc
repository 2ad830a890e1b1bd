#include "poolscope/metrics/text_writer.h"

#include <limits>
#include <string>
#include <tuple>
#include <vector>

#include "gtest/gtest.h"
#include "poolscope/metrics/metric_writer.h"

namespace poolscope {
namespace {

TEST(TextWriterTest, WritesHelpAndTypeOnceAFamily) {
  TextWriter writer;
  writer.BeginFamily({"a_total", MetricType::kCounter, "", "All of it."});
  writer.WriteSample({{"x", "1"}}, uint64_t{2});
  writer.WriteSample({{"x", "2"}}, uint64_t{3});
  writer.EndFamily();
  EXPECT_EQ(writer.text(),
            "# HELP a_total All of it.\n"
            "# TYPE a_total counter\n"
            "a_total{x=\"1\"} 2\n"
            "a_total{x=\"2\"} 3\n");
}

TEST(TextWriterTest, KnowsInfoAndStateSetAsGauges) {
  TextWriter writer;
  writer.BeginFamily({"a", MetricType::kInfo, "", "h"});
  writer.EndFamily();
  writer.BeginFamily({"b", MetricType::kStateSet, "", "h"});
  writer.EndFamily();
  writer.BeginFamily({"c", MetricType::kUnknown, "", "h"});
  writer.EndFamily();
  EXPECT_EQ(writer.text(),
            "# HELP a h\n# TYPE a gauge\n# HELP b h\n# TYPE b gauge\n"
            "# HELP c h\n# TYPE c untyped\n");
}

TEST(TextWriterTest, OpenMetricsNamesAFamilyWithoutItsSuffix) {
  TextWriter writer;
  writer.set_format(ExpositionFormat::kOpenMetrics);
  writer.BeginFamily({"a_total", MetricType::kCounter, "", "All \"of\" it."});
  writer.WriteSample({{"x", "1"}}, uint64_t{2});
  writer.EndFamily();
  writer.BeginFamily({"b_seconds_total", MetricType::kCounter, "seconds", "h"});
  writer.WriteSample({}, 0.5);
  writer.EndFamily();
  writer.BeginFamily({"c_info", MetricType::kInfo, "", "h"});
  writer.WriteSample({{"v", "1"}}, uint64_t{1});
  writer.EndFamily();
  writer.BeginFamily({"d_bytes", MetricType::kGauge, "bytes", "h"});
  writer.WriteSample({}, uint64_t{1});
  writer.EndFamily();
  writer.Finish();
  EXPECT_EQ(writer.text(),
            "# HELP a All \\\"of\\\" it.\n# TYPE a counter\n"
            "a_total{x=\"1\"} 2\n"
            "# HELP b_seconds h\n# TYPE b_seconds counter\n"
            "# UNIT b_seconds seconds\n"
            "b_seconds_total 0.5\n"
            "# HELP c h\n# TYPE c info\n"
            "c_info{v=\"1\"} 1\n"
            "# HELP d_bytes h\n# TYPE d_bytes gauge\n# UNIT d_bytes bytes\n"
            "d_bytes 1\n"
            "# EOF\n");
}

TEST(TextWriterTest, OpenMetricsTypesThatANameDoesNotFit) {
  TextWriter writer;
  writer.set_format(ExpositionFormat::kOpenMetrics);
  // Counters without "_total", and an info without "_info", are none there; a
  // unit is only one that ends the name.
  for (const auto& [name, type, unit] :
       {std::tuple("calls", MetricType::kCounter, ""),
        {"i", MetricType::kInfo, ""},
        {"s", MetricType::kStateSet, ""},
        {"u", MetricType::kUnknown, ""},
        {"xbytes", MetricType::kGauge, "bytes"},
        {"bytes_x", MetricType::kGauge, "bytes"},
        {"h_seconds", MetricType::kHistogram, "seconds"},
        {"q", MetricType::kSummary, ""}}) {
    writer.BeginFamily({name, type, unit, "h"});
    writer.EndFamily();
  }
  writer.Finish();
  EXPECT_EQ(writer.text(),
            "# HELP calls h\n# TYPE calls unknown\n"
            "# HELP i h\n# TYPE i gauge\n"
            "# HELP s h\n# TYPE s gauge\n"
            "# HELP u h\n# TYPE u unknown\n"
            "# HELP xbytes h\n# TYPE xbytes gauge\n"
            "# HELP bytes_x h\n# TYPE bytes_x gauge\n"
            "# HELP h_seconds h\n# TYPE h_seconds histogram\n"
            "# UNIT h_seconds seconds\n"
            "# HELP q h\n# TYPE q summary\n"
            "# EOF\n");
}

TEST(TextWriterTest, TextHasNoEnd) {
  TextWriter writer;
  writer.Finish();
  EXPECT_EQ(writer.text(), "");
  writer.set_format(ExpositionFormat::kOpenMetrics);
  writer.Finish();
  EXPECT_EQ(writer.text(), "# EOF\n");
}

TEST(TextWriterTest, WritesNoBracesWithoutLabels) {
  TextWriter writer;
  writer.BeginFamily({"a", MetricType::kGauge, "", "h"});
  writer.WriteSample({}, 0.5);
  writer.EndFamily();
  EXPECT_EQ(writer.text(), "# HELP a h\n# TYPE a gauge\na 0.5\n");
}

TEST(TextWriterTest, SharedLabelsStandBeforeASeriesOwn) {
  TextWriter writer;
  writer.BeginFamily({"a", MetricType::kGauge, "", "h"});
  writer.WriteSample({{"x", "0"}}, uint64_t{1});
  writer.ShareLabels({{"p", "\"\n"}, {"q", "2"}});
  writer.WriteSample({{"x", "1"}}, uint64_t{2});
  writer.WriteSample({}, uint64_t{3});
  writer.ShareLabels({{"p", "3"}});
  writer.WriteSample({{"x", "2"}}, uint64_t{4});
  writer.ShareLabels({});
  writer.WriteSample({}, uint64_t{5});
  writer.EndFamily();
  EXPECT_EQ(writer.text(),
            "# HELP a h\n# TYPE a gauge\n"
            "a{x=\"0\"} 1\n"
            "a{p=\"\\\"\\n\",q=\"2\",x=\"1\"} 2\n"
            "a{p=\"\\\"\\n\",q=\"2\"} 3\n"
            "a{p=\"3\",x=\"2\"} 4\n"
            "a 5\n");
}

TEST(TextWriterTest, SharedLabelsEndWithTheFamily) {
  TextWriter writer;
  for (const char* name : {"a", "longer"}) {
    writer.BeginFamily({name, MetricType::kGauge, "", "h"});
    writer.WriteSample({}, uint64_t{1});
    writer.ShareLabels({{"p", "1"}});
    writer.WriteSample({}, uint64_t{2});
    writer.EndFamily();
  }
  EXPECT_EQ(writer.text(),
            "# HELP a h\n# TYPE a gauge\na 1\na{p=\"1\"} 2\n"
            "# HELP longer h\n# TYPE longer gauge\nlonger 1\n"
            "longer{p=\"1\"} 2\n");
}

TEST(TextWriterTest, SharedLabelsFollowTheSuffixOfAHistogram) {
  const std::vector<HistogramBucket> buckets = {{64, 2}};
  TextWriter writer;
  writer.BeginFamily({"s", MetricType::kHistogram, "", "h"});
  writer.ShareLabels({{"p", "1"}});
  writer.WriteHistogram({}, {buckets, 7, 900.5});
  writer.WriteHistogram({{"x", "2"}}, {{}, 0, 0});
  writer.EndFamily();
  EXPECT_EQ(writer.text(),
            "# HELP s h\n# TYPE s histogram\n"
            "s_bucket{p=\"1\",le=\"64.0\"} 2\n"
            "s_bucket{p=\"1\",le=\"+Inf\"} 7\n"
            "s_sum{p=\"1\"} 900.5\n"
            "s_count{p=\"1\"} 7\n"
            "s_bucket{p=\"1\",x=\"2\",le=\"+Inf\"} 0\n"
            "s_sum{p=\"1\",x=\"2\"} 0\n"
            "s_count{p=\"1\",x=\"2\"} 0\n");
}

// Each line as long as its room: all of the value is escaped.
TEST(TextWriterTest, EveryLengthOfAnEscapedLabelFits) {
  for (size_t length = 0; length < 5000; length += 7) {
    const std::string quotes(length, '"');
    std::string escaped;
    for (size_t i = 0; i < length; ++i) escaped += "\\\"";
    TextWriter writer;
    writer.BeginFamily({"a", MetricType::kGauge, "", ""});
    writer.ShareLabels({{"p", quotes}});
    writer.WriteSample({{"x", quotes}}, -1.7976931348623157e+308);
    EXPECT_EQ(writer.text(), "# HELP a \n# TYPE a gauge\na{p=\"" + escaped +
                                 "\",x=\"" + escaped +
                                 "\"} -1.7976931348623157e+308\n");
  }
}

TEST(TextWriterTest, EscapesLabelValuesAndHelp) {
  TextWriter writer;
  writer.BeginFamily({"a", MetricType::kGauge, "", "say \"x\"\\\nmore"});
  writer.WriteSample({{"l", "q\"b\\n\n\xc3\xa4"}}, uint64_t{1});
  writer.EndFamily();
  EXPECT_EQ(writer.text(),
            "# HELP a say \"x\"\\\\\\nmore\n# TYPE a gauge\n"
            "a{l=\"q\\\"b\\\\n\\n\xc3\xa4\"} 1\n");
}

TEST(TextWriterTest, WritesNumbersAsPrometheusReadsThem) {
  TextWriter writer;
  writer.BeginFamily({"a", MetricType::kGauge, "", "h"});
  writer.WriteSample({{"n", "1"}}, uint64_t{18446744073709551615u});
  writer.WriteSample({{"n", "2"}}, std::numeric_limits<double>::infinity());
  writer.WriteSample({{"n", "3"}}, std::numeric_limits<double>::quiet_NaN());
  writer.EndFamily();
  EXPECT_EQ(writer.text(),
            "# HELP a h\n# TYPE a gauge\n"
            "a{n=\"1\"} 18446744073709551615\n"
            "a{n=\"2\"} +Inf\n"
            "a{n=\"3\"} NaN\n");
}

TEST(TextWriterTest, HistogramHasFloatBoundsAndOneInfinity) {
  const std::string expected =
      "# HELP s h\n# TYPE s histogram\n"
      "s_bucket{x=\"1\",le=\"64.0\"} 2\n"
      "s_bucket{x=\"1\",le=\"128.5\"} 5\n"
      "s_bucket{x=\"1\",le=\"+Inf\"} 7\n"
      "s_sum{x=\"1\"} 900.5\n"
      "s_count{x=\"1\"} 7\n";
  std::vector<HistogramBucket> buckets = {{64, 2}, {128.5, 5}};
  for (bool with_infinity : {false, true}) {
    if (with_infinity) {
      buckets.push_back({std::numeric_limits<double>::infinity(), 7});
    }
    TextWriter writer;
    writer.BeginFamily({"s", MetricType::kHistogram, "", "h"});
    writer.WriteHistogram({{"x", "1"}}, {buckets, 7, 900.5});
    writer.EndFamily();
    EXPECT_EQ(writer.text(), expected);
  }
}

TEST(TextWriterTest, WritesSummaries) {
  const std::vector<SummaryQuantile> quantiles = {{0.5, 3}, {1, 9}};
  TextWriter writer;
  writer.BeginFamily({"s", MetricType::kSummary, "", "h"});
  writer.WriteSummary({}, {quantiles, 4, 20});
  writer.EndFamily();
  EXPECT_EQ(writer.text(),
            "# HELP s h\n# TYPE s summary\n"
            "s{quantile=\"0.5\"} 3\ns{quantile=\"1.0\"} 9\n"
            "s_sum 20\ns_count 4\n");
}

TEST(TextWriterTest, ClearKeepsTheMemory) {
  TextWriter writer;
  const auto fill = [&] {
    writer.BeginFamily({"a", MetricType::kGauge, "", "h"});
    for (int i = 0; i < 1000; ++i) {
      writer.WriteSample({{"l", std::string(50, '"')}}, uint64_t{1});
    }
    writer.EndFamily();
  };
  fill();
  const std::string first(writer.text());
  const size_t capacity = writer.capacity_bytes();
  writer.Clear();
  EXPECT_EQ(writer.text(), "");
  fill();
  EXPECT_EQ(writer.text(), first);
  EXPECT_EQ(writer.capacity_bytes(), capacity);
}

}  // namespace
}  // namespace poolscope
