// ForeignFamilies: what registered collectables delivered in one scrape,
// checked and grouped by family name.
//
// A scrape with one line that Prometheus cannot parse is lost as a whole, and
// so are this library's own figures in it. So whatever comes from outside is
// checked first: names and labels by Prometheus' data model, values for UTF-8.
// What fails is dropped and counted, the rest is shown.
//
// Thread safety: thread-compatible.
#ifndef POOLSCOPE_METRICS_FOREIGN_FAMILIES_H_
#define POOLSCOPE_METRICS_FOREIGN_FAMILIES_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "poolscope/metrics/dropped_series.h"
#include "poolscope/metrics/metric_writer.h"
#include "prometheus/client_metric.h"
#include "prometheus/metric_family.h"

namespace poolscope {

// One family, from one collectable or several. The labels of each series are
// sorted by name, so that equal sets are equal vectors.
struct ForeignFamily {
  std::string name;
  std::string help;  // of whoever came first
  MetricType type = MetricType::kUnknown;
  std::vector<prometheus::ClientMetric> series;
};

class ForeignFamilies {
 public:
  // `dropped` is not owned and counts what is refused.
  explicit ForeignFamilies(DroppedSeries* dropped) : dropped_(dropped) {}
  ForeignFamilies(ForeignFamilies&&) = default;
  ForeignFamilies& operator=(ForeignFamilies&&) = delete;

  void Add(std::vector<prometheus::MetricFamily> families);

  // The family of that name, or null.
  const ForeignFamily* Find(absl::string_view name) const;

  // In the order in which they first came.
  const std::vector<ForeignFamily>& families() const { return families_; }

 private:
  DroppedSeries* const dropped_;
  std::vector<ForeignFamily> families_;
  absl::flat_hash_map<std::string, size_t> index_;  // by name, into families_
};

// True when writing a family of `name` and `type` makes the series `series`,
// which is not that family's own name: a histogram `x` makes `x_bucket`,
// `x_sum` and `x_count`, a summary the latter two.
bool MakesSeries(absl::string_view name, MetricType type,
                 absl::string_view series);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_FOREIGN_FAMILIES_H_
