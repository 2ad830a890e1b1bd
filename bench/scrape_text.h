// Two expositions of the same figures, compared label set by label set.
#ifndef POOLSCOPE_BENCH_SCRAPE_TEXT_H_
#define POOLSCOPE_BENCH_SCRAPE_TEXT_H_

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace poolscope::bench {

// Values by series: "name{a=\"1\",b=\"2\"}" with the labels sorted, and the
// bounds of buckets and quantiles in one spelling.
using Series = std::map<std::string, double>;

// The samples of an exposition in text format 0.0.4. InvalidArgumentError names
// the line that is malformed or has a series for the second time.
absl::StatusOr<Series> ParseScrape(absl::string_view text);

struct ScrapeComparison {
  size_t equal = 0;   // series in both, with the same value to 16 digits
  size_t moving = 0;  // series in both whose value may differ
  std::vector<std::string> differences;  // a line each; empty: they agree
};

// What may differ, by the beginning of the series' names.
struct AllowedDifferences {
  std::vector<std::string> moving;       // in both, whatever the value
  std::vector<std::string> only_first;   // may be missing in the second
  std::vector<std::string> only_second;  // may be missing in the first
};

ScrapeComparison CompareScrapes(const Series& first, const Series& second,
                                const AllowedDifferences& allowed);

}  // namespace poolscope::bench

#endif  // POOLSCOPE_BENCH_SCRAPE_TEXT_H_
