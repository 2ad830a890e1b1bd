// The families of chunks: how many, in which list, how full, how often moved.
//
// Thread safety: thread-safe; it works on the values given.
#ifndef POOLSCOPE_METRICS_CHUNK_COLLECTOR_H_
#define POOLSCOPE_METRICS_CHUNK_COLLECTOR_H_

#include "poolscope/metrics/family_loops.h"
#include "poolscope/metrics/metric_writer.h"

namespace poolscope {

void CollectChunks(AllocatorSnapshots snapshots, MetricWriter& writer);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_CHUNK_COLLECTOR_H_
