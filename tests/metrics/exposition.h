// A reader of the text exposition format, written apart from the writer.
#ifndef POOLSCOPE_TESTS_METRICS_EXPOSITION_H_
#define POOLSCOPE_TESTS_METRICS_EXPOSITION_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace poolscope {

using LabelMap = std::map<std::string, std::string>;

struct Exposition {
  struct Sample {
    std::string name;  // with "_bucket" and the like
    LabelMap labels;
    std::string value;  // as written
  };
  std::map<std::string, std::string> types;  // by family
  std::vector<Sample> samples;

  // The one sample with these labels, or "" when there is none.
  std::string Value(absl::string_view name, const LabelMap& labels) const;
  // Sum over the samples of `name` whose labels contain `labels`. Exact for
  // integers.
  uint64_t Sum(absl::string_view name, const LabelMap& labels) const;
  // The values of `label` over the samples of `name`.
  std::vector<std::string> LabelValues(absl::string_view name,
                                       absl::string_view label) const;
};

// Refuses what Prometheus refuses, and more: a family begun twice, samples
// outside their family, a label set twice, a HELP or TYPE missing, buckets that
// fall.
absl::StatusOr<Exposition> ParseExposition(absl::string_view text);

// The identities that hold in every scrape, for every allocator in it; the
// first that is broken.
absl::Status CheckIdentities(const Exposition& scrape);

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_METRICS_EXPOSITION_H_
