// The families of trims on request.
//
// Thread safety: thread-safe; it works on the values given.
#ifndef POOLSCOPE_METRICS_TRIM_COLLECTOR_H_
#define POOLSCOPE_METRICS_TRIM_COLLECTOR_H_

#include "poolscope/metrics/metric_writer.h"
#include "poolscope/metrics/trim_stats.h"

namespace poolscope {

void CollectTrims(const TrimStats& trims, MetricWriter& writer);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_TRIM_COLLECTOR_H_
