#include "poolscope/metrics/family_writer.h"

#include <string>
#include <utility>

#include "prometheus/metric_type.h"

namespace poolscope {
namespace {

prometheus::MetricType ToPrometheus(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return prometheus::MetricType::Counter;
    case MetricType::kGauge:
    case MetricType::kInfo:
    case MetricType::kStateSet:
      return prometheus::MetricType::Gauge;
    case MetricType::kHistogram:
      return prometheus::MetricType::Histogram;
    case MetricType::kSummary:
      return prometheus::MetricType::Summary;
    case MetricType::kUnknown:
      break;
  }
  return prometheus::MetricType::Untyped;
}

}  // namespace

void FamilyWriter::BeginFamily(const MetricDescriptor& family) {
  families_.emplace_back();
  prometheus::MetricFamily& added = families_.back();
  added.name = std::string(family.name);
  added.help = std::string(family.help);
  added.type = ToPrometheus(family.type);
}

void FamilyWriter::ShareLabels(Labels labels) {
  shared_.clear();
  for (const MetricLabel& label : labels) {
    shared_.push_back({std::string(label.name), std::string(label.value)});
  }
}

void FamilyWriter::EndFamily() { shared_.clear(); }

prometheus::ClientMetric& FamilyWriter::AddMetric(Labels labels) {
  std::vector<prometheus::ClientMetric>& metrics = families_.back().metric;
  metrics.emplace_back();
  prometheus::ClientMetric& metric = metrics.back();
  metric.label.reserve(shared_.size() + labels.size());
  metric.label = shared_;
  for (const MetricLabel& label : labels) {
    metric.label.push_back({std::string(label.name), std::string(label.value)});
  }
  return metric;
}

void FamilyWriter::WriteSample(Labels labels, MetricValue value) {
  prometheus::ClientMetric& metric = AddMetric(labels);
  switch (families_.back().type) {
    case prometheus::MetricType::Counter:
      metric.counter.value = value.AsDouble();
      break;
    case prometheus::MetricType::Gauge:
      metric.gauge.value = value.AsDouble();
      break;
    default:
      metric.untyped.value = value.AsDouble();
      break;
  }
}

void FamilyWriter::WriteHistogram(Labels labels, const HistogramValue& value) {
  prometheus::ClientMetric::Histogram& histogram = AddMetric(labels).histogram;
  histogram.sample_count = value.count;
  histogram.sample_sum = value.sum;
  histogram.bucket.reserve(value.buckets.size());
  for (const HistogramBucket& bucket : value.buckets) {
    histogram.bucket.push_back({bucket.cumulative_count, bucket.upper_bound});
  }
}

void FamilyWriter::WriteSummary(Labels labels, const SummaryValue& value) {
  prometheus::ClientMetric::Summary& summary = AddMetric(labels).summary;
  summary.sample_count = value.count;
  summary.sample_sum = value.sum;
  summary.quantile.reserve(value.quantiles.size());
  for (const SummaryQuantile& quantile : value.quantiles) {
    summary.quantile.push_back({quantile.quantile, quantile.value});
  }
}

std::vector<prometheus::MetricFamily> FamilyWriter::Take() {
  return std::exchange(families_, {});
}

}  // namespace poolscope
