#include "poolscope/metrics/merging_writer.h"

#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "poolscope/metrics/dropped_series.h"
#include "poolscope/metrics/foreign_families.h"
#include "poolscope/metrics/text_writer.h"
#include "prometheus/metric_family.h"

namespace poolscope {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;

ClientMetric Series(std::vector<ClientMetric::Label> labels, double value) {
  ClientMetric series;
  series.label = std::move(labels);
  series.gauge.value = value;
  series.counter.value = value;
  return series;
}

MetricFamily Gauge(std::string name, std::vector<ClientMetric> series) {
  MetricFamily family;
  family.name = std::move(name);
  family.help = "foreign";
  family.type = prometheus::MetricType::Gauge;
  family.metric = std::move(series);
  return family;
}

class MergingWriterTest : public testing::Test {
 protected:
  // Writes the family "own" with the series x=1, then what remains.
  std::string Merge(std::vector<absl::string_view> coming = {}) {
    TextWriter text;
    MergingWriter merged(foreign_, &dropped_, &text);
    merged.BeginFamily({"own", MetricType::kGauge, "", "ours"});
    merged.WriteSample({{"x", "1"}, {"a", "2"}}, uint64_t{5});
    merged.EndFamily();
    merged.WriteRemaining(coming);
    return std::string(text.text());
  }

  uint64_t Dropped(DropReason reason) const { return dropped_.Get(reason); }

  DroppedSeries dropped_;
  ForeignFamilies foreign_{&dropped_};
};

constexpr char kOwn[] =
    "# HELP own ours\n# TYPE own gauge\nown{x=\"1\",a=\"2\"} 5\n";

TEST_F(MergingWriterTest, PassesOwnFamiliesThrough) {
  EXPECT_EQ(Merge(), kOwn);
}

TEST_F(MergingWriterTest, ForeignSeriesJoinTheFamilyOfTheirName) {
  foreign_.Add({Gauge("own", {Series({{"x", "2"}}, 7)})});
  EXPECT_EQ(Merge(), std::string(kOwn) + "own{x=\"2\"} 7\n");
}

TEST_F(MergingWriterTest, DropsALabelSetThatIsThereWhateverItsOrder) {
  foreign_.Add({Gauge("own", {Series({{"a", "2"}, {"x", "1"}}, 7),
                              Series({{"x", "1"}, {"a", "2"}}, 8)})});
  EXPECT_EQ(Merge(), kOwn);
  EXPECT_EQ(Dropped(DropReason::kDuplicate), 2u);
}

TEST_F(MergingWriterTest, SharedLabelsBelongToTheLabelSetsOfTheFamilyAlone) {
  foreign_.Add({Gauge("own", {Series({{"x", "1"}}, 7),
                              Series({{"x", "1"}, {"s", "2"}}, 8),
                              Series({{"x", "1"}, {"s", "3"}}, 9)}),
                Gauge("second", {Series({{"s", "3"}}, 10)})});
  TextWriter text;
  MergingWriter merged(foreign_, &dropped_, &text);
  merged.BeginFamily({"own", MetricType::kGauge, "", "ours"});
  merged.ShareLabels({{"s", "1"}});
  merged.ShareLabels({{"s", "2"}});
  merged.WriteSample({{"x", "1"}}, uint64_t{5});
  merged.EndFamily();
  merged.BeginFamily({"second", MetricType::kGauge, "", "ours"});
  merged.WriteSample({}, uint64_t{6});
  merged.EndFamily();
  EXPECT_EQ(text.text(),
            "# HELP own ours\n# TYPE own gauge\nown{s=\"2\",x=\"1\"} 5\n"
            "own{x=\"1\"} 7\nown{s=\"3\",x=\"1\"} 9\n"
            "# HELP second ours\n# TYPE second gauge\nsecond 6\n"
            "second{s=\"3\"} 10\n");
  EXPECT_EQ(Dropped(DropReason::kDuplicate), 1u);
}

TEST_F(MergingWriterTest, MergesFamiliesOfSeveralCollectables) {
  foreign_.Add({Gauge("theirs", {Series({{"x", "1"}}, 1)})});
  foreign_.Add(
      {Gauge("theirs", {Series({{"x", "1"}}, 2), Series({{"x", "2"}}, 3)})});
  EXPECT_EQ(Merge(), std::string(kOwn) +
                         "# HELP theirs foreign\n# TYPE theirs gauge\n"
                         "theirs{x=\"1\"} 1\ntheirs{x=\"2\"} 3\n");
  EXPECT_EQ(Dropped(DropReason::kDuplicate), 1u);
}

TEST_F(MergingWriterTest, DropsAFamilyOfAnotherType) {
  MetricFamily counter = Gauge("own", {Series({{"x", "2"}}, 7)});
  counter.type = prometheus::MetricType::Counter;
  foreign_.Add({counter});
  foreign_.Add({Gauge("own2", {Series({}, 1)})});
  counter.name = "own2";
  foreign_.Add({counter});
  EXPECT_EQ(Merge(), std::string(kOwn) +
                         "# HELP own2 foreign\n# TYPE own2 gauge\nown2 1\n");
  EXPECT_EQ(Dropped(DropReason::kTypeConflict), 2u);
}

TEST_F(MergingWriterTest, DropsNamesThatPrometheusRefuses) {
  foreign_.Add({Gauge("", {Series({}, 1)}), Gauge("1a", {Series({}, 1)}),
                Gauge("a b", {Series({}, 1)}),
                Gauge("ok", {Series({{"a-b", "1"}}, 1), Series({{"", "1"}}, 1),
                             Series({{"a:b", "1"}}, 1)})});
  EXPECT_EQ(Merge(), kOwn);
  EXPECT_EQ(Dropped(DropReason::kInvalidName), 6u);
}

TEST_F(MergingWriterTest, DropsLabelsThatPrometheusRefuses) {
  MetricFamily histogram = Gauge("h", {Series({{"le", "1"}}, 1)});
  histogram.type = prometheus::MetricType::Histogram;
  foreign_.Add({Gauge("ok", {Series({{"a", "1"}, {"a", "2"}}, 1),
                             Series({{"__name__", "x"}}, 1)}),
                histogram});
  EXPECT_EQ(Merge(), kOwn);
  EXPECT_EQ(Dropped(DropReason::kInvalidLabel), 3u);
}

TEST_F(MergingWriterTest, DropsValuesThatAreNotUtf8) {
  const std::vector<std::string> bad = {
      "\x80",         "\xc0\xaf",         "\xc3",         "\xe0\x80\x80",
      "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf0\x9f\x98", "\xe2\x28\xa1"};
  for (const std::string& text : bad) {
    foreign_.Add({Gauge("ok", {Series({{"a", text}}, 1)})});
  }
  EXPECT_EQ(Dropped(DropReason::kInvalidLabel), bad.size());
  const std::vector<std::string> good = {"\xc3\xa4", "\xe2\x82\xac",
                                         "\xed\x9f\xbf", "\xf0\x9f\x98\x80",
                                         "\xf4\x8f\xbf\xbf"};
  for (const std::string& text : good) {
    foreign_.Add({Gauge("ok", {Series({{"a", text}}, 1)})});
  }
  EXPECT_EQ(Dropped(DropReason::kInvalidLabel), bad.size());
  EXPECT_EQ(foreign_.Find("ok")->series.size(), good.size());
}

TEST_F(MergingWriterTest, DropsAGaugeThatAHistogramMakesToo) {
  foreign_.Add({Gauge("poolscope_allocation_size_bytes_count", {Series({}, 1)}),
                Gauge("latency_sum", {Series({}, 1)})});
  MetricFamily histogram = Gauge("latency", {Series({}, 1)});
  histogram.type = prometheus::MetricType::Histogram;
  foreign_.Add({histogram});
  EXPECT_EQ(Merge(), std::string(kOwn) +
                         "# HELP latency foreign\n# TYPE latency histogram\n"
                         "latency_bucket{le=\"+Inf\"} 0\nlatency_sum 0\n"
                         "latency_count 0\n");
  EXPECT_EQ(Dropped(DropReason::kTypeConflict), 2u);
}

TEST_F(MergingWriterTest, LeavesOutWhatIsStillComing) {
  foreign_.Add({Gauge("later", {Series({}, 1)})});
  EXPECT_EQ(Merge({"later"}), kOwn);
}

TEST_F(MergingWriterTest, KeepsTheValuesOfHistogramsAndSummaries) {
  MetricFamily histogram = Gauge("h", {ClientMetric()});
  histogram.type = prometheus::MetricType::Histogram;
  histogram.metric[0].histogram = {3, 4.5, {{1, 0.5}, {3, 2}}};
  MetricFamily summary = Gauge("s", {ClientMetric()});
  summary.type = prometheus::MetricType::Summary;
  summary.metric[0].summary = {3, 4.5, {{0.9, 2}}};
  foreign_.Add({histogram, summary});
  EXPECT_EQ(Merge(), std::string(kOwn) +
                         "# HELP h foreign\n# TYPE h histogram\n"
                         "h_bucket{le=\"0.5\"} 1\nh_bucket{le=\"2.0\"} 3\n"
                         "h_bucket{le=\"+Inf\"} 3\nh_sum 4.5\nh_count 3\n"
                         "# HELP s foreign\n# TYPE s summary\n"
                         "s{quantile=\"0.9\"} 2\ns_sum 4.5\ns_count 3\n");
}

}  // namespace
}  // namespace poolscope
