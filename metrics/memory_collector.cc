#include "poolscope/metrics/memory_collector.h"

#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/metrics/metric_names.h"

namespace poolscope {

void CollectMemory(AllocatorSnapshots snapshots, MetricWriter& writer) {
  WritePerAllocator(Metric::kDirectMemoryUsedBytes, snapshots, writer,
                    &AllocatorStats::direct_used_bytes);
  WritePerAllocator(Metric::kDirectMemoryLimitBytes, snapshots, writer,
                    &AllocatorStats::direct_limit_bytes);
  WritePerAllocator(Metric::kDirectMemoryPeakBytes, snapshots, writer,
                    &AllocatorStats::direct_peak_bytes);
  WriteFamily(Metric::kAllocationFailures, snapshots, writer,
              [&](const AllocatorStats& allocator) {
                writer.WriteSample({{"reason", "limit"}},
                                   allocator.allocation_failures_limit);
                writer.WriteSample({{"reason", "mapping"}},
                                   allocator.allocation_failures_mapping);
              });
  WritePerAllocator(Metric::kRequestedBytes, snapshots, writer,
                    &AllocatorStats::requested_bytes);
  WritePerAllocator(Metric::kInternalFragmentationBytes, snapshots, writer,
                    &AllocatorStats::internal_fragmentation_bytes);
  WritePerArena(Metric::kExternalFragmentationBytes, snapshots, writer,
                &ArenaStats::external_fragmentation_bytes);
}

}  // namespace poolscope
