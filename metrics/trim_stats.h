// TrimStats: what was trimmed on request so far, as plain values.
#ifndef POOLSCOPE_METRICS_TRIM_STATS_H_
#define POOLSCOPE_METRICS_TRIM_STATS_H_

#include <cstdint>

namespace poolscope {

// Counters.
struct TrimStats {
  uint64_t freed = 0;    // requests that gave something back
  uint64_t nothing = 0;  // that found nothing to give back
  uint64_t busy = 0;     // that were refused, as another was under way
  uint64_t trimmed_bytes = 0;
};

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_TRIM_STATS_H_
