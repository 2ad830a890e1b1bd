// The families of arenas: what each has mapped, handed out, and to whom.
//
// Thread safety: thread-safe; it works on the values given.
#ifndef POOLSCOPE_METRICS_ARENA_COLLECTOR_H_
#define POOLSCOPE_METRICS_ARENA_COLLECTOR_H_

#include "poolscope/metrics/family_loops.h"
#include "poolscope/metrics/metric_writer.h"

namespace poolscope {

void CollectArenas(AllocatorSnapshots snapshots, MetricWriter& writer);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_ARENA_COLLECTOR_H_
