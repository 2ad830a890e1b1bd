// MetricHistory: many scrapes of one process, turned into series.
//
//   scrapes (names, values, time) --Add()--> families of series
//        series: name and labels as they were written, points (time, value)
//                          |                     |
//                          v                     v
//                   WriteOpenMetricsText()         MakeTrends()
//
// Names and values stay the text that they were: nothing is rounded.
//
//   MetricHistory history;
//   history.Add(taken_nanos, names, values);       // in the order of time
//
// Thread safety: thread-compatible.
#ifndef POOLSCOPE_METRICS_HISTORY_METRIC_HISTORY_H_
#define POOLSCOPE_METRICS_HISTORY_METRIC_HISTORY_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace poolscope {

class MetricHistory {
 public:
  struct Point {
    int64_t nanos;            // since the epoch
    absl::string_view value;  // as it was written
  };
  struct Series {
    absl::string_view name;    // of the sample, "x_bucket" of a histogram "x"
    absl::string_view labels;  // "{a=\"b\"}", or empty
    std::vector<Point> points;
  };
  struct Family {
    absl::string_view name;
    absl::string_view type;      // of text 0.0.4
    absl::string_view help;      // escaped
    std::vector<Series> series;  // in the order in which they were met
  };

  MetricHistory() = default;
  MetricHistory(const MetricHistory&) = delete;
  MetricHistory& operator=(const MetricHistory&) = delete;

  // A scrape as SplitExposition() splits it; names that are the same as those
  // of the scrape before are best passed as the same string. False: it was left
  // out, for it is no later than the one before (the clock was set back), or
  // has not as many values as names.
  bool Add(int64_t nanos, std::shared_ptr<const std::string> names,
           std::string values);

  // In the order in which they were met. Views into the history.
  const std::vector<Family>& families() const { return families_; }
  // Null where there is no such family.
  const Family* Find(absl::string_view family) const;

  // Times of the scrapes, ascending.
  const std::vector<int64_t>& times() const { return times_; }

 private:
  struct Place {
    size_t family;
    size_t series;
  };

  Family& FamilyOf(absl::string_view name);
  // Where each value goes that belongs to `names`.
  void FindPlaces(absl::string_view names);

  // What the views point into. The last names are those of places_.
  std::deque<std::shared_ptr<const std::string>> names_;
  std::deque<std::string> values_;
  std::vector<Place> places_;
  std::vector<int64_t> times_;
  std::vector<Family> families_;
  absl::flat_hash_map<absl::string_view, size_t> family_index_;
  absl::flat_hash_map<absl::string_view, Place> series_index_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_HISTORY_METRIC_HISTORY_H_
