#include "poolscope/metrics/arena_collector.h"

#include <cstdint>

#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/metrics/metric_names.h"
#include "poolscope/metrics/number_format.h"

namespace poolscope {
namespace {

void WritePerArenaAndKind(Metric metric, AllocatorSnapshots snapshots,
                          MetricWriter& writer, uint64_t KindCounts::*count) {
  WriteFamily(metric, snapshots, writer, [&](const AllocatorStats& allocator) {
    for (const ArenaStats& arena : allocator.arenas) {
      writer.ShareLabels({{"allocator", allocator.name},
                          {"arena", NumberText(arena.index).view()}});
      for (int kind = 0; kind < kKindCount; ++kind) {
        writer.WriteSample({{"kind", KindName(static_cast<Kind>(kind))}},
                           arena.by_kind[kind].*count);
      }
    }
  });
}

}  // namespace

void CollectArenas(AllocatorSnapshots snapshots, MetricWriter& writer) {
  WritePerArena(Metric::kArenaReservedBytes, snapshots, writer,
                &ArenaStats::reserved_bytes);
  WritePerArena(Metric::kArenaUsedBytes, snapshots, writer,
                &ArenaStats::used_bytes);
  WritePerArena(Metric::kArenaPinnedBytes, snapshots, writer,
                &ArenaStats::pinned_bytes);
  WritePerArena(Metric::kArenaCachedBytes, snapshots, writer,
                &ArenaStats::cached_bytes);
  WritePerArena(Metric::kArenaPeakUsedBytes, snapshots, writer,
                &ArenaStats::peak_used_bytes);
  WritePerArenaAndKind(Metric::kArenaAllocations, snapshots, writer,
                       &KindCounts::allocations);
  WritePerArenaAndKind(Metric::kArenaDeallocations, snapshots, writer,
                       &KindCounts::deallocations);
  WritePerArenaAndKind(Metric::kArenaActiveAllocations, snapshots, writer,
                       &KindCounts::active);
  WritePerArena(Metric::kArenaAllocatedBytes, snapshots, writer,
                &ArenaStats::allocated_bytes);
  WritePerArena(Metric::kArenaFreedBytes, snapshots, writer,
                &ArenaStats::freed_bytes);
  WritePerArena(Metric::kArenaThreadCaches, snapshots, writer,
                &ArenaStats::thread_caches);
}

}  // namespace poolscope
