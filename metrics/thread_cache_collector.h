// The families of thread caches: requests, hits, what they hold and give back.
//
// Thread safety: thread-safe; it works on the values given.
#ifndef POOLSCOPE_METRICS_THREAD_CACHE_COLLECTOR_H_
#define POOLSCOPE_METRICS_THREAD_CACHE_COLLECTOR_H_

#include "poolscope/metrics/family_loops.h"
#include "poolscope/metrics/metric_writer.h"

namespace poolscope {

void CollectThreadCaches(AllocatorSnapshots snapshots, MetricWriter& writer);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_THREAD_CACHE_COLLECTOR_H_
