#include "poolscope/metrics/thread_cache_collector.h"

#include <cstdint>

#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/metrics/metric_names.h"

namespace poolscope {
namespace {

// Huge blocks never pass a thread cache: their series would be 0 for good.
constexpr Kind kCachedKinds[] = {Kind::kSmall, Kind::kNormal};

void WritePerKind(Metric metric, AllocatorSnapshots snapshots,
                  MetricWriter& writer, uint64_t ThreadCacheKindStats::*value) {
  WriteFamily(metric, snapshots, writer, [&](const AllocatorStats& allocator) {
    for (Kind kind : kCachedKinds) {
      writer.WriteSample(
          {{"kind", KindName(kind)}},
          allocator.thread_cache_by_kind[static_cast<int>(kind)].*value);
    }
  });
}

}  // namespace

void CollectThreadCaches(AllocatorSnapshots snapshots, MetricWriter& writer) {
  WritePerAllocator(Metric::kThreadCaches, snapshots, writer,
                    &AllocatorStats::thread_cache_count);
  WritePerKind(Metric::kThreadCacheRequests, snapshots, writer,
               &ThreadCacheKindStats::requests);
  WritePerKind(Metric::kThreadCacheHits, snapshots, writer,
               &ThreadCacheKindStats::hits);
  WritePerKind(Metric::kThreadCacheMisses, snapshots, writer,
               &ThreadCacheKindStats::misses);
  WritePerAllocator(Metric::kThreadCacheBytes, snapshots, writer,
                    &AllocatorStats::thread_cache_bytes);
  WritePerAllocator(Metric::kThreadCacheLimitBytes, snapshots, writer,
                    &AllocatorStats::thread_cache_limit_bytes);
  WriteFamily(Metric::kThreadCacheEvictions, snapshots, writer,
              [&](const AllocatorStats& allocator) {
                for (int reason = 0; reason < kEvictionReasonCount; ++reason) {
                  writer.WriteSample(
                      {{"reason", EvictionReasonName(
                                      static_cast<EvictionReason>(reason))}},
                      allocator.thread_cache_evictions[reason]);
                }
              });
  WritePerAllocator(Metric::kRemoteFrees, snapshots, writer,
                    &AllocatorStats::remote_frees);
}

}  // namespace poolscope
