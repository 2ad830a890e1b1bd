#include "poolscope/metrics/merging_writer.h"

#include <algorithm>
#include <string>
#include <tuple>

#include "absl/algorithm/container.h"
#include "absl/hash/hash.h"
#include "poolscope/metrics/metric_names.h"

namespace poolscope {

MergingWriter::MergingWriter(const ForeignFamilies& foreign,
                             DroppedSeries* dropped, MetricWriter* out)
    : foreign_(foreign), dropped_(dropped), out_(out) {}

size_t MergingWriter::LabelSetHash::operator()(const LabelSet* labels) const {
  size_t hash = labels->size();
  for (const prometheus::ClientMetric::Label& label : *labels) {
    hash =
        absl::Hash<std::tuple<size_t, absl::string_view, absl::string_view>>{}(
            {hash, label.name, label.value});
  }
  return hash;
}

void MergingWriter::BeginFamily(const MetricDescriptor& family) {
  out_->BeginFamily(family);
  joining_ = foreign_.Find(family.name);
  if (joining_ == nullptr) return;
  joined_.insert(joining_);
  // An info or state set of ours can only come as a gauge from outside.
  const MetricType type =
      family.type == MetricType::kInfo || family.type == MetricType::kStateSet
          ? MetricType::kGauge
          : family.type;
  if (joining_->type != type) {
    dropped_->Add(DropReason::kTypeConflict, joining_->series.size());
    joining_ = nullptr;
  }
}

void MergingWriter::ShareLabels(Labels labels) {
  out_->ShareLabels(labels);
  if (joining_ == nullptr) return;
  shared_.clear();
  for (const MetricLabel& label : labels) {
    shared_.push_back({std::string(label.name), std::string(label.value)});
  }
}

void MergingWriter::Remember(Labels labels) {
  own_.push_back(shared_);
  LabelSet& set = own_.back();
  for (const MetricLabel& label : labels) {
    set.push_back({std::string(label.name), std::string(label.value)});
  }
  std::sort(set.begin(), set.end());
  seen_.insert(&set);
}

void MergingWriter::WriteSample(Labels labels, MetricValue value) {
  if (joining_ != nullptr) Remember(labels);
  out_->WriteSample(labels, value);
}

void MergingWriter::WriteHistogram(Labels labels, const HistogramValue& value) {
  if (joining_ != nullptr) Remember(labels);
  out_->WriteHistogram(labels, value);
}

void MergingWriter::WriteSummary(Labels labels, const SummaryValue& value) {
  if (joining_ != nullptr) Remember(labels);
  out_->WriteSummary(labels, value);
}

void MergingWriter::EndFamily() {
  if (joining_ != nullptr) {
    out_->ShareLabels({});
    WriteForeign(*joining_);
    joining_ = nullptr;
  }
  shared_.clear();
  seen_.clear();
  own_.clear();
  out_->EndFamily();
}

void MergingWriter::WriteForeign(const ForeignFamily& family) {
  seen_.reserve(seen_.size() + family.series.size());
  for (const prometheus::ClientMetric& series : family.series) {
    if (!seen_.insert(&series.label).second) {
      dropped_->Add(DropReason::kDuplicate, 1);
      continue;
    }
    labels_.clear();
    for (const prometheus::ClientMetric::Label& label : series.label) {
      labels_.push_back({label.name, label.value});
    }
    switch (family.type) {
      case MetricType::kCounter:
        out_->WriteSample(labels_, series.counter.value);
        break;
      case MetricType::kHistogram: {
        std::vector<HistogramBucket> buckets;
        buckets.reserve(series.histogram.bucket.size());
        for (const prometheus::ClientMetric::Bucket& bucket :
             series.histogram.bucket) {
          buckets.push_back({bucket.upper_bound, bucket.cumulative_count});
        }
        out_->WriteHistogram(labels_, {buckets, series.histogram.sample_count,
                                       series.histogram.sample_sum});
        break;
      }
      case MetricType::kSummary: {
        std::vector<SummaryQuantile> quantiles;
        quantiles.reserve(series.summary.quantile.size());
        for (const prometheus::ClientMetric::Quantile& quantile :
             series.summary.quantile) {
          quantiles.push_back({quantile.quantile, quantile.value});
        }
        out_->WriteSummary(labels_, {quantiles, series.summary.sample_count,
                                     series.summary.sample_sum});
        break;
      }
      case MetricType::kUnknown:
        out_->WriteSample(labels_, series.untyped.value);
        break;
      case MetricType::kGauge:
      case MetricType::kInfo:
      case MetricType::kStateSet:
        out_->WriteSample(labels_, series.gauge.value);
        break;
    }
  }
}

bool MergingWriter::CollidesWithParts(const ForeignFamily& family) const {
  for (const MetricRow& row : AllMetrics()) {
    const MetricDescriptor& own = row.descriptor;
    if (MakesSeries(own.name, own.type, family.name) ||
        MakesSeries(family.name, family.type, own.name)) {
      return true;
    }
  }
  const size_t underscore = family.name.rfind('_');
  if (underscore == std::string::npos) return false;
  const ForeignFamily* whole =
      foreign_.Find(absl::string_view(family.name).substr(0, underscore));
  return whole != nullptr && MakesSeries(whole->name, whole->type, family.name);
}

void MergingWriter::WriteRemaining(absl::Span<const absl::string_view> coming) {
  for (const ForeignFamily& family : foreign_.families()) {
    if (family.series.empty() || joined_.contains(&family) ||
        absl::c_linear_search(coming, family.name)) {
      continue;
    }
    if (CollidesWithParts(family)) {
      dropped_->Add(DropReason::kTypeConflict, family.series.size());
      continue;
    }
    out_->BeginFamily({family.name, family.type, /*unit=*/"", family.help});
    WriteForeign(family);
    seen_.clear();
    out_->EndFamily();
  }
}

}  // namespace poolscope
