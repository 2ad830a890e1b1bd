// The families of limits and pressure: how near the end of memory is.
//
// Thread safety: thread-safe; it works on the values given.
#ifndef POOLSCOPE_METRICS_LIMITS_COLLECTOR_H_
#define POOLSCOPE_METRICS_LIMITS_COLLECTOR_H_

#include "poolscope/metrics/family_loops.h"
#include "poolscope/metrics/metric_writer.h"
#include "poolscope/metrics/process_figures.h"

namespace poolscope {

// What the figures do not hold is left out; the headroom is there as soon as
// there is an allocator or a cgroup with a limit.
void CollectLimits(AllocatorSnapshots snapshots, const ProcessFigures& figures,
                   MetricWriter& writer);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_LIMITS_COLLECTOR_H_
