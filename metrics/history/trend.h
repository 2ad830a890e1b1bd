// MakeTrends(): the figures that tell how memory ran out, over a history.
//
//   resident memory, used and pinned bytes of each allocator, what waits for
//   peers by group, the cgroup's usage; blocks refused, suspects and leaks
//
// Of each the first and the last value, the most, the growth a minute over the
// whole, and where there is a limit when it is reached at the pace of the last
// minute (LimitForecast). Those that were never there are left out.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_METRICS_HISTORY_TREND_H_
#define POOLSCOPE_METRICS_HISTORY_TREND_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "poolscope/metrics/history/metric_history.h"
#include "poolscope/metrics/native_memory/nmt_view.h"

namespace poolscope {

struct Trend {
  std::string name;   // "used: demo"
  bool bytes = true;  // else a count
  double first = 0;
  double last = 0;
  double most = 0;
  double growth_a_minute = 0;  // 0 for a single point
  std::optional<double> limit;
  // While it grows steadily, and reaches the limit within a day.
  std::optional<double> seconds_to_limit;
};

std::vector<Trend> MakeTrends(const MetricHistory& history);

// A table with a row a trend; bytes in units of `scale`.
std::string TrendText(const std::vector<Trend>& trends, const NmtScale& scale);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_HISTORY_TREND_H_
