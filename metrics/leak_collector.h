// The families about leaked blocks.
//
// Thread safety: thread-safe; it works on the values given.
#ifndef POOLSCOPE_METRICS_LEAK_COLLECTOR_H_
#define POOLSCOPE_METRICS_LEAK_COLLECTOR_H_

#include "absl/types/span.h"
#include "poolscope/allocator/leak/leak_stats.h"
#include "poolscope/metrics/metric_writer.h"

namespace poolscope {

// One LeakStats of each registered detector; their allocators differ.
void CollectLeaks(absl::Span<const LeakStats> detectors, MetricWriter& writer);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_LEAK_COLLECTOR_H_
