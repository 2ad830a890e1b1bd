// The families of locks: taken, waited for, how long.
//
// Thread safety: thread-safe; it works on the values given.
#ifndef POOLSCOPE_METRICS_LOCK_COLLECTOR_H_
#define POOLSCOPE_METRICS_LOCK_COLLECTOR_H_

#include "poolscope/metrics/family_loops.h"
#include "poolscope/metrics/metric_writer.h"

namespace poolscope {

void CollectLocks(AllocatorSnapshots snapshots, MetricWriter& writer);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_LOCK_COLLECTOR_H_
