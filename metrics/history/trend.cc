#include "poolscope/metrics/history/trend.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "poolscope/metrics/limit_forecast.h"

namespace poolscope {
namespace {

// A row for each value of the label `by`, over which the series are summed.
struct KeyFigure {
  absl::string_view name;
  absl::string_view family;
  absl::string_view by;            // empty: all of the family together
  absl::string_view limit_family;  // by the same label; empty: none
  bool bytes;
};

constexpr KeyFigure kKeyFigures[] = {
    {"resident", "process_resident_memory_bytes", "", "", true},
    {"cgroup usage", "poolscope_cgroup_memory_usage_bytes", "",
     "poolscope_cgroup_memory_limit_bytes", true},
    {"used", "poolscope_direct_memory_used_bytes", "allocator",
     "poolscope_direct_memory_limit_bytes", true},
    {"pinned", "poolscope_arena_pinned_bytes", "allocator", "", true},
    {"cached", "poolscope_arena_cached_bytes", "allocator", "", true},
    {"waiting for peers", "poolscope_outbound_pending_bytes", "group", "",
     true},
    {"resident, of no owner", "poolscope_native_memory_unattributed_bytes", "",
     "", true},
    {"refused", "poolscope_allocation_failures_total", "allocator", "", false},
    {"leaks", "poolscope_leaks_total", "verdict", "", false},
};

using Values = std::map<int64_t, double>;  // by time

// The value of a label, as it was written.
absl::string_view LabelValue(absl::string_view labels, absl::string_view name) {
  if (name.empty()) return "";
  for (const char before : {'{', ','}) {
    const std::string start =
        absl::StrCat(absl::string_view(&before, 1), name, "=\"");
    const size_t found = labels.find(start);
    if (found == absl::string_view::npos) continue;
    const absl::string_view value = labels.substr(found + start.size());
    return value.substr(0, value.find('"'));
  }
  return "";
}

std::map<std::string, Values> SumBy(const MetricHistory& history,
                                    absl::string_view family,
                                    absl::string_view by) {
  std::map<std::string, Values> sums;
  const MetricHistory::Family* const found = history.Find(family);
  if (found == nullptr) return sums;
  for (const MetricHistory::Series& series : found->series) {
    Values& values = sums[std::string(LabelValue(series.labels, by))];
    for (const MetricHistory::Point& point : series.points) {
      double value = 0;
      if (absl::SimpleAtod(point.value, &value)) values[point.nanos] += value;
    }
  }
  return sums;
}

// To whole ones; what no uint64_t has becomes the nearest that it has, and what
// is no number 0.
uint64_t Whole(double value) {
  constexpr double kEnd = 18446744073709551616.0;  // 2^64
  if (!(value > 0)) return 0;
  return value < kEnd ? static_cast<uint64_t>(value)
                      : std::numeric_limits<uint64_t>::max();
}

Trend TrendOf(const Values& values) {
  Trend trend;
  trend.first = values.begin()->second;
  trend.last = values.rbegin()->second;
  trend.most = trend.first;
  for (const auto& [nanos, value] : values) {
    trend.most = std::max(trend.most, value);
  }
  const double minutes =
      static_cast<double>(values.rbegin()->first - values.begin()->first) /
      60e9;
  if (minutes > 0) trend.growth_a_minute = (trend.last - trend.first) / minutes;
  return trend;
}

std::optional<double> SecondsToLimit(const Values& values, double limit) {
  // A minute at a record a second: the forecast takes the last of them.
  LimitForecast forecast;
  for (const auto& [nanos, value] : values) {
    forecast.Add(nanos, Whole(value));
  }
  return forecast.SecondsUntilUsed(Whole(limit - values.rbegin()->second));
}

std::string Amount(double value, const Trend& trend, const NmtScale& scale) {
  if (!trend.bytes) return absl::StrFormat("%.0f", value);
  const auto magnitude = Whole(std::fabs(value));
  return absl::StrCat(value < 0 ? "-" : "", scale.Round(magnitude),
                      scale.unit.empty() ? "B" : scale.unit);
}

}  // namespace

std::vector<Trend> MakeTrends(const MetricHistory& history) {
  std::vector<Trend> trends;
  for (const KeyFigure& figure : kKeyFigures) {
    const std::map<std::string, Values> limits =
        SumBy(history, figure.limit_family, figure.by);
    for (const auto& [label, values] :
         SumBy(history, figure.family, figure.by)) {
      if (values.empty()) continue;
      Trend trend = TrendOf(values);
      trend.name = label.empty() ? std::string(figure.name)
                                 : absl::StrCat(figure.name, ": ", label);
      trend.bytes = figure.bytes;
      const auto limit = limits.find(label);
      if (limit != limits.end() && !limit->second.empty()) {
        trend.limit = limit->second.rbegin()->second;
        trend.seconds_to_limit = SecondsToLimit(values, *trend.limit);
      }
      trends.push_back(std::move(trend));
    }
  }
  return trends;
}

std::string TrendText(const std::vector<Trend>& trends, const NmtScale& scale) {
  std::string text =
      absl::StrFormat("%-27s %13s %13s %13s %13s %13s  %s\n", "", "last",
                      "first", "most", "a minute", "limit", "reached in");
  for (const Trend& trend : trends) {
    const std::string growth =
        absl::StrCat(trend.growth_a_minute > 0 ? "+" : "",
                     Amount(trend.growth_a_minute, trend, scale));
    absl::StrAppendFormat(&text, "%-27s %13s %13s %13s %13s", trend.name,
                          Amount(trend.last, trend, scale),
                          Amount(trend.first, trend, scale),
                          Amount(trend.most, trend, scale), growth);
    if (trend.limit.has_value()) {
      absl::StrAppendFormat(&text, " %13s", Amount(*trend.limit, trend, scale));
    }
    if (trend.seconds_to_limit.has_value()) {
      absl::StrAppend(&text, "  ",
                      absl::FormatDuration(absl::Seconds(static_cast<int64_t>(
                          std::ceil(*trend.seconds_to_limit)))));
    }
    text += '\n';
  }
  return text;
}

}  // namespace poolscope
