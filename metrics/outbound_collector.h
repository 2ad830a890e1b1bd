// The families of outbound queues: what waits in the channels of each group,
// and what became of the rest; and those of the memory governor.
//
// Thread safety: thread-safe; it works on the values given.
#ifndef POOLSCOPE_METRICS_OUTBOUND_COLLECTOR_H_
#define POOLSCOPE_METRICS_OUTBOUND_COLLECTOR_H_

#include "absl/types/span.h"
#include "poolscope/allocator/outbound/memory_governor_stats.h"
#include "poolscope/allocator/outbound/outbound_stats.h"
#include "poolscope/metrics/metric_writer.h"

namespace poolscope {

// The names of the groups differ.
void CollectOutbound(absl::Span<const OutboundGroupStats> groups,
                     MetricWriter& writer);

void CollectGovernor(const MemoryGovernorStats& governor, MetricWriter& writer);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_OUTBOUND_COLLECTOR_H_
