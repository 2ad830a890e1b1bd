#include "poolscope/bench/scrape_text.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace poolscope::bench {
namespace {

// Takes `{a="1",b="2"}` off the front of `line`, labels sorted; false when it
// is malformed.
bool TakeLabels(absl::string_view& line, std::string& labels) {
  std::vector<std::string> all;
  if (!absl::ConsumePrefix(&line, "{")) return true;
  while (!absl::ConsumePrefix(&line, "}")) {
    const size_t equals = line.find("=\"");
    if (equals == absl::string_view::npos) return false;
    const absl::string_view name = line.substr(0, equals);
    line.remove_prefix(equals + 2);
    size_t end = 0;
    while (end < line.size() && line[end] != '"') {
      end += line[end] == '\\' ? 2 : 1;
    }
    if (end >= line.size()) return false;
    std::string value(line.substr(0, end));
    line.remove_prefix(end + 1);
    double bound;
    if ((name == "le" || name == "quantile") &&
        absl::SimpleAtod(value, &bound)) {
      value = absl::StrCat(bound);
    }
    all.push_back(absl::StrCat(name, "=\"", value, "\""));
    absl::ConsumePrefix(&line, ",");
  }
  std::sort(all.begin(), all.end());
  labels = absl::StrCat("{", absl::StrJoin(all, ","), "}");
  return true;
}

// To the 16 digits that prometheus-cpp writes.
bool SameValue(double a, double b) {
  return a == b || std::fabs(a - b) <= 1e-15 * std::fabs(a) ||
         (std::isnan(a) && std::isnan(b));
}

bool BeginsWithOneOf(absl::string_view series,
                     const std::vector<std::string>& beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(),
                     [&](const std::string& beginning) {
                       return absl::StartsWith(series, beginning);
                     });
}

}  // namespace

absl::StatusOr<Series> ParseScrape(absl::string_view text) {
  Series series;
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    if (absl::StartsWith(line, "#")) continue;
    const absl::string_view whole = line;
    const size_t name_end = line.find_first_of("{ ");
    double value = 0;
    std::string labels;
    std::string name;
    bool well_formed = name_end != absl::string_view::npos && name_end > 0;
    if (well_formed) {
      name = std::string(line.substr(0, name_end));
      line.remove_prefix(name_end);
      well_formed = TakeLabels(line, labels) &&
                    absl::ConsumePrefix(&line, " ") &&
                    absl::SimpleAtod(line, &value);
    }
    if (!well_formed) {
      return absl::InvalidArgumentError(absl::StrCat("malformed: ", whole));
    }
    if (!series.emplace(absl::StrCat(name, labels), value).second) {
      return absl::InvalidArgumentError(absl::StrCat("twice: ", whole));
    }
  }
  return series;
}

ScrapeComparison CompareScrapes(const Series& first, const Series& second,
                                const AllowedDifferences& allowed) {
  ScrapeComparison result;
  for (const auto& [name, value] : first) {
    const auto other = second.find(name);
    if (other == second.end()) {
      if (!BeginsWithOneOf(name, allowed.only_first)) {
        result.differences.push_back(absl::StrCat("only in the first: ", name));
      }
    } else if (BeginsWithOneOf(name, allowed.moving)) {
      ++result.moving;
    } else if (SameValue(value, other->second)) {
      ++result.equal;
    } else {
      result.differences.push_back(
          absl::StrFormat("%s: %.17g and %.17g", name, value, other->second));
    }
  }
  for (const auto& [name, value] : second) {
    if (first.count(name) == 0 && !BeginsWithOneOf(name, allowed.only_second)) {
      result.differences.push_back(absl::StrCat("only in the second: ", name));
    }
  }
  return result;
}

}  // namespace poolscope::bench
