#include "poolscope/metrics/foreign_families.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "poolscope/metrics/utf8.h"
#include "prometheus/metric_type.h"

namespace poolscope {
namespace {

MetricType FromPrometheus(prometheus::MetricType type) {
  switch (type) {
    case prometheus::MetricType::Counter:
      return MetricType::kCounter;
    case prometheus::MetricType::Gauge:
      return MetricType::kGauge;
    case prometheus::MetricType::Summary:
      return MetricType::kSummary;
    case prometheus::MetricType::Histogram:
      return MetricType::kHistogram;
    case prometheus::MetricType::Untyped:
      break;
  }
  return MetricType::kUnknown;
}

// [a-zA-Z_][a-zA-Z0-9_]*, and colons too where `colons`.
bool IsName(absl::string_view name, bool colons) {
  if (name.empty() || absl::ascii_isdigit(name[0])) return false;
  return std::all_of(name.begin(), name.end(), [colons](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '_' || (colons && c == ':');
  });
}

// Sorts the labels of `series`, or says why it cannot be shown.
std::optional<DropReason> CheckSeries(MetricType type,
                                      prometheus::ClientMetric& series) {
  std::vector<prometheus::ClientMetric::Label>& labels = series.label;
  std::sort(labels.begin(), labels.end());
  for (size_t i = 0; i < labels.size(); ++i) {
    const std::string& name = labels[i].name;
    if (!IsName(name, /*colons=*/false)) return DropReason::kInvalidName;
    // Names that begin so are Prometheus' own.
    if (absl::StartsWith(name, "__")) return DropReason::kInvalidLabel;
    if (i > 0 && labels[i - 1].name == name) return DropReason::kInvalidLabel;
    if (type == MetricType::kHistogram && name == "le") {
      return DropReason::kInvalidLabel;
    }
    if (type == MetricType::kSummary && name == "quantile") {
      return DropReason::kInvalidLabel;
    }
    if (!IsUtf8(labels[i].value)) return DropReason::kInvalidLabel;
  }
  return std::nullopt;
}

}  // namespace

void ForeignFamilies::Add(std::vector<prometheus::MetricFamily> families) {
  for (prometheus::MetricFamily& family : families) {
    if (family.metric.empty()) continue;
    if (!IsName(family.name, /*colons=*/true)) {
      dropped_->Add(DropReason::kInvalidName, family.metric.size());
      continue;
    }
    const MetricType type = FromPrometheus(family.type);
    const auto [entry, is_new] = index_.try_emplace(family.name, 0);
    if (is_new) {
      entry->second = families_.size();
      families_.emplace_back();
      families_.back().name = std::move(family.name);
      if (IsUtf8(family.help)) families_.back().help = std::move(family.help);
      families_.back().type = type;
    }
    ForeignFamily& merged = families_[entry->second];
    if (merged.type != type) {
      dropped_->Add(DropReason::kTypeConflict, family.metric.size());
      continue;
    }
    merged.series.reserve(merged.series.size() + family.metric.size());
    for (prometheus::ClientMetric& series : family.metric) {
      const std::optional<DropReason> reason = CheckSeries(type, series);
      if (reason.has_value()) {
        dropped_->Add(*reason, 1);
      } else {
        merged.series.push_back(std::move(series));
      }
    }
  }
}

const ForeignFamily* ForeignFamilies::Find(absl::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &families_[found->second];
}

bool MakesSeries(absl::string_view name, MetricType type,
                 absl::string_view series) {
  if (type != MetricType::kHistogram && type != MetricType::kSummary) {
    return false;
  }
  if (!absl::ConsumePrefix(&series, name)) return false;
  return series == "_sum" || series == "_count" ||
         (type == MetricType::kHistogram && series == "_bucket");
}

}  // namespace poolscope
