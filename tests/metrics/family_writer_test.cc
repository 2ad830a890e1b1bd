#include "poolscope/metrics/family_writer.h"

#include <cstdlib>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/outbound/memory_governor_stats.h"
#include "poolscope/metrics/metric_registry.h"
#include "poolscope/metrics/metric_writer.h"
#include "poolscope/metrics/pool_collectable.h"
#include "poolscope/metrics/text_writer.h"
#include "poolscope/tests/metrics/exposition.h"
#include "poolscope/tests/metrics/sample_stats.h"
#include "prometheus/client_metric.h"
#include "prometheus/metric_family.h"
#include "prometheus/text_serializer.h"

namespace poolscope {
namespace {

// Name and labels, with bounds as numbers since the two spell them differently.
using Key = std::pair<std::string, LabelMap>;

std::map<Key, double> Values(absl::string_view text, bool own) {
  const absl::StatusOr<Exposition> parsed = ParseExposition(text);
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  std::map<Key, double> values;
  if (!parsed.ok()) return values;
  for (const Exposition::Sample& sample : parsed->samples) {
    // These two tell about the one scrape.
    if (sample.name == "poolscope_scrape_duration_seconds" ||
        sample.name == "poolscope_snapshot_age_seconds") {
      continue;
    }
    LabelMap labels = sample.labels;
    if (labels.count("le") == 1 && labels["le"] != "+Inf") {
      // Ours are floats, "64.0" or "1e-05"; prometheus-cpp's "64" is not.
      EXPECT_TRUE(!own || labels["le"].find_first_of(".e") != std::string::npos)
          << labels["le"];
      labels["le"] = absl::StrFormat("%.12g", std::atof(labels["le"].c_str()));
    }
    values[{sample.name, labels}] = std::atof(sample.value.c_str());
  }
  return values;
}

TEST(FamilyWriterTest, GivesWhatTheTextGivesLabelSetByLabelSet) {
  MetricRegistryOptions options;
  options.process_metrics = false;
  PoolCollectable collectable(options);
  for (const char* name : {"one", "two"}) {
    ASSERT_TRUE(collectable.registry()
                    .AddAllocator(name, [](bool) { return SampleStats(); })
                    .ok());
  }
  ASSERT_TRUE(
      collectable.registry().AddChannels({SampleOutboundStats, nullptr}).ok());
  ASSERT_TRUE(collectable.registry()
                  .AddGovernor([] {
                    return MemoryGovernorStats{4, 3, 2, 1};
                  })
                  .ok());
  TextWriter text;
  collectable.registry().Collect(text);
  const std::string serialized =
      prometheus::TextSerializer().Serialize(collectable.Collect());

  const std::map<Key, double> ours = Values(text.text(), /*own=*/true);
  const std::map<Key, double> theirs = Values(serialized, /*own=*/false);
  EXPECT_GT(ours.size(), 150u);
  EXPECT_EQ(ours, theirs);
}

TEST(FamilyWriterTest, KeepsEveryPartOfASummary) {
  FamilyWriter writer;
  writer.BeginFamily({"s", MetricType::kSummary, "", "h"});
  const SummaryQuantile quantiles[] = {{0.5, 3}, {0.99, 7}};
  writer.WriteSummary({{"x", "1"}}, {quantiles, 11, 40.5});
  writer.EndFamily();
  const std::vector<prometheus::MetricFamily> families = writer.Take();
  ASSERT_EQ(families.size(), 1u);
  EXPECT_EQ(families[0].type, prometheus::MetricType::Summary);
  ASSERT_EQ(families[0].metric.size(), 1u);
  const prometheus::ClientMetric::Summary& summary =
      families[0].metric[0].summary;
  EXPECT_EQ(summary.sample_count, 11u);
  EXPECT_EQ(summary.sample_sum, 40.5);
  ASSERT_EQ(summary.quantile.size(), 2u);
  EXPECT_EQ(summary.quantile[0].quantile, 0.5);
  EXPECT_EQ(summary.quantile[0].value, 3);
  EXPECT_EQ(summary.quantile[1].quantile, 0.99);
  EXPECT_EQ(summary.quantile[1].value, 7);
}

TEST(FamilyWriterTest, TakeLeavesNothing) {
  FamilyWriter writer;
  writer.BeginFamily({"a_total", MetricType::kCounter, "", "h"});
  writer.WriteSample({{"x", "1"}}, uint64_t{2});
  writer.EndFamily();
  const std::vector<prometheus::MetricFamily> families = writer.Take();
  ASSERT_EQ(families.size(), 1u);
  EXPECT_EQ(families[0].name, "a_total");
  EXPECT_EQ(families[0].type, prometheus::MetricType::Counter);
  ASSERT_EQ(families[0].metric.size(), 1u);
  EXPECT_EQ(families[0].metric[0].counter.value, 2);
  EXPECT_TRUE(writer.Take().empty());
}

TEST(FamilyWriterTest, SharedLabelsEndWithTheFamily) {
  FamilyWriter writer;
  writer.BeginFamily({"a", MetricType::kGauge, "", "h"});
  writer.ShareLabels({{"p", "1"}, {"q", "2"}});
  writer.WriteSample({{"x", "3"}}, uint64_t{1});
  writer.EndFamily();
  writer.BeginFamily({"b", MetricType::kGauge, "", "h"});
  writer.WriteSample({{"x", "4"}}, uint64_t{1});
  writer.EndFamily();
  const std::vector<prometheus::MetricFamily> families = writer.Take();
  ASSERT_EQ(families.size(), 2u);
  using Labels = std::vector<prometheus::ClientMetric::Label>;
  EXPECT_EQ(families[0].metric[0].label,
            (Labels{{"p", "1"}, {"q", "2"}, {"x", "3"}}));
  EXPECT_EQ(families[1].metric[0].label, (Labels{{"x", "4"}}));
}

}  // namespace
}  // namespace poolscope
