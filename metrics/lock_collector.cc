#include "poolscope/metrics/lock_collector.h"

#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/metrics/metric_names.h"

namespace poolscope {
namespace {

template <typename Value>
void WritePerLock(Metric metric, AllocatorSnapshots snapshots,
                  MetricWriter& writer, Value LockStats::*value) {
  WriteFamily(metric, snapshots, writer, [&](const AllocatorStats& allocator) {
    writer.WriteSample({{"lock", "arena"}}, allocator.arena_locks.*value);
  });
}

}  // namespace

void CollectLocks(AllocatorSnapshots snapshots, MetricWriter& writer) {
  WritePerLock(Metric::kLockAcquisitions, snapshots, writer,
               &LockStats::acquisitions);
  WritePerLock(Metric::kLockContentions, snapshots, writer,
               &LockStats::contentions);
  WritePerLock(Metric::kLockWait, snapshots, writer, &LockStats::wait_seconds);
}

}  // namespace poolscope
