// The families about native memory, by category.
//
// Before the first walk over the mappings (walk_id 0) they are there without
// samples.
//
// Thread safety: thread-safe; it works on the values given.
#ifndef POOLSCOPE_METRICS_NATIVE_MEMORY_COLLECTOR_H_
#define POOLSCOPE_METRICS_NATIVE_MEMORY_COLLECTOR_H_

#include "poolscope/metrics/metric_writer.h"
#include "poolscope/metrics/native_memory/native_memory_stats.h"

namespace poolscope {

void CollectNativeMemory(const NativeMemoryStats& stats, MetricWriter& writer);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_NATIVE_MEMORY_COLLECTOR_H_
