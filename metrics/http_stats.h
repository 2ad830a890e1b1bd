// HttpStats: what the HTTP server has answered so far, as plain values.
#ifndef POOLSCOPE_METRICS_HTTP_STATS_H_
#define POOLSCOPE_METRICS_HTTP_STATS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "poolscope/metrics/metric_writer.h"

namespace poolscope {

struct HttpCodeCount {
  int code = 0;
  uint64_t requests = 0;  // counter
};

// One handler: a path that is served, or "other" for everything else.
struct HttpHandlerStats {
  std::string handler;
  std::vector<HttpCodeCount> codes;        // every code the handler may answer
  std::vector<HistogramBucket> durations;  // bounds in seconds
  uint64_t duration_count = 0;
  double duration_sum_seconds = 0;
};

using HttpStats = std::vector<HttpHandlerStats>;

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_HTTP_STATS_H_
