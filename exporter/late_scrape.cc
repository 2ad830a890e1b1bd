#include "poolscope/exporter/late_scrape.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "poolscope/metrics/metric_names.h"
#include "poolscope/metrics/number_format.h"

namespace poolscope {
namespace {

// The beginning of each line that is a sample of the family, which has labels.
std::string SampleStart(Metric metric) {
  return absl::StrCat(Describe(metric).name, "{");
}

}  // namespace

std::string LateScrape(absl::string_view text, absl::Duration age) {
  const std::string success = SampleStart(Metric::kScrapeSuccess);
  const std::string snapshot_age = SampleStart(Metric::kSnapshotAge);
  std::string late;
  late.reserve(text.size() + 1024);
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const absl::string_view line = text.substr(0, end);
    text.remove_prefix(end == absl::string_view::npos ? text.size() : end + 1);
    const size_t value = line.rfind(' ') + 1;
    double seconds = 0;
    if (absl::StartsWith(line, success)) {
      absl::StrAppend(&late, line.substr(0, value), "0\n");
    } else if (absl::StartsWith(line, snapshot_age) &&
               absl::SimpleAtod(line.substr(value), &seconds)) {
      char number[kMaxNumberLength];
      const char* const number_end =
          FormatReal(seconds + absl::ToDoubleSeconds(age), number);
      absl::StrAppend(&late, line.substr(0, value),
                      absl::string_view(number, number_end - number), "\n");
    } else {
      absl::StrAppend(&late, line, "\n");
    }
  }
  return late;
}

}  // namespace poolscope
