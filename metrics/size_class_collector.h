// The families of size classes, and the histogram of sizes made from them.
//
// Thread safety: thread-safe; it works on the values given.
#ifndef POOLSCOPE_METRICS_SIZE_CLASS_COLLECTOR_H_
#define POOLSCOPE_METRICS_SIZE_CLASS_COLLECTOR_H_

#include "poolscope/metrics/family_loops.h"
#include "poolscope/metrics/metric_writer.h"

namespace poolscope {

void CollectSizeClasses(AllocatorSnapshots snapshots, MetricWriter& writer);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_SIZE_CLASS_COLLECTOR_H_
