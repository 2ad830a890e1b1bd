#include "poolscope/metrics/history/metric_history.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "poolscope/metrics/history/exposition_split.h"

namespace poolscope {
namespace {

// Cuts off `line` what is before its first blank, and that.
absl::string_view TakeWord(absl::string_view& line) {
  const size_t blank = line.find(' ');
  const absl::string_view word = line.substr(0, blank);
  line.remove_prefix(blank == absl::string_view::npos ? line.size()
                                                      : blank + 1);
  return word;
}

}  // namespace

const MetricHistory::Family* MetricHistory::Find(
    absl::string_view family) const {
  const auto found = family_index_.find(family);
  return found == family_index_.end() ? nullptr : &families_[found->second];
}

MetricHistory::Family& MetricHistory::FamilyOf(absl::string_view name) {
  const auto [found, is_new] = family_index_.emplace(name, families_.size());
  if (is_new) families_.push_back({name, "untyped", "", {}});
  return families_[found->second];
}

void MetricHistory::FindPlaces(absl::string_view names) {
  places_.clear();
  size_t family = families_.size();  // of the lines; none yet
  while (!names.empty()) {
    absl::string_view line = TakeLine(names);
    const bool is_help = absl::ConsumePrefix(&line, "# HELP ");
    if (is_help || absl::ConsumePrefix(&line, "# TYPE ")) {
      Family& described = FamilyOf(TakeWord(line));
      (is_help ? described.help : described.type) = line;
      family = &described - families_.data();
      continue;
    }
    if (absl::StartsWith(line, "#")) continue;
    const size_t name_end = std::min(line.find('{'), line.size());
    // A service's own text may have no line about a family.
    if (family == families_.size()) {
      family = &FamilyOf(line.substr(0, name_end)) - families_.data();
    }
    const auto [found, is_new] = series_index_.emplace(
        line, Place{family, families_[family].series.size()});
    if (is_new) {
      families_[family].series.push_back(
          {line.substr(0, name_end), line.substr(name_end), {}});
    }
    places_.push_back(found->second);
  }
}

bool MetricHistory::Add(int64_t nanos, std::shared_ptr<const std::string> names,
                        std::string values) {
  if (!times_.empty() && nanos <= times_.back()) return false;
  if (names_.empty() || names_.back() != names) {
    names_.push_back(std::move(names));
    FindPlaces(*names_.back());
  }
  if (static_cast<size_t>(absl::c_count(values, '\n')) != places_.size()) {
    return false;
  }
  times_.push_back(nanos);
  values_.push_back(std::move(values));
  absl::string_view rest = values_.back();
  for (const Place& place : places_) {
    families_[place.family].series[place.series].points.push_back(
        {nanos, TakeLine(rest)});
  }
  return true;
}

}  // namespace poolscope
