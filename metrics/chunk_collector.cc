#include "poolscope/metrics/chunk_collector.h"

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <tuple>

#include "absl/strings/string_view.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/metrics/metric_names.h"
#include "poolscope/metrics/number_format.h"

namespace poolscope {
namespace {

// Percent of a chunk's pages handed out, in the order of
// AllocatorStats::chunks_by_utilization.
constexpr absl::string_view kUtilizationRanges[] = {
    "0", "1_5", "5_25", "25_50", "50_75", "75_99", "100"};
static_assert(
    std::size(kUtilizationRanges) ==
    std::tuple_size<decltype(AllocatorStats::chunks_by_utilization)>::value);

void WritePerList(Metric metric, AllocatorSnapshots snapshots,
                  MetricWriter& writer, uint64_t ChunkListStats::*value) {
  WriteFamily(metric, snapshots, writer, [&](const AllocatorStats& allocator) {
    for (const ArenaStats& arena : allocator.arenas) {
      writer.ShareLabels({{"allocator", allocator.name},
                          {"arena", NumberText(arena.index).view()}});
      for (const ChunkListStats& list : arena.lists) {
        writer.WriteSample({{"list", ChunkListName(list.list)}}, list.*value);
      }
    }
  });
}

}  // namespace

void CollectChunks(AllocatorSnapshots snapshots, MetricWriter& writer) {
  WritePerList(Metric::kChunks, snapshots, writer, &ChunkListStats::chunks);
  WritePerList(Metric::kChunkListFreeBytes, snapshots, writer,
               &ChunkListStats::free_bytes);
  WriteFamily(Metric::kChunksByUtilization, snapshots, writer,
              [&](const AllocatorStats& allocator) {
                for (size_t i = 0; i < std::size(kUtilizationRanges); ++i) {
                  writer.WriteSample({{"range", kUtilizationRanges[i]}},
                                     allocator.chunks_by_utilization[i]);
                }
              });
  WritePerArena(Metric::kChunkAllocations, snapshots, writer,
                &ArenaStats::chunk_allocations);
  WritePerArena(Metric::kChunkDeallocations, snapshots, writer,
                &ArenaStats::chunk_deallocations);
  WriteFamily(Metric::kChunkListMoves, snapshots, writer,
              [&](const AllocatorStats& allocator) {
                writer.WriteSample({{"direction", "next"}},
                                   allocator.chunk_list_moves_next);
                writer.WriteSample({{"direction", "prev"}},
                                   allocator.chunk_list_moves_prev);
              });
  WritePerAllocator(Metric::kOldestAllocationAge, snapshots, writer,
                    &AllocatorStats::oldest_allocation_age_seconds);
  WritePerAllocator(Metric::kMissedSamples, snapshots, writer,
                    &AllocatorStats::missed_samples);
  WritePerAllocator(Metric::kHugeUsedBytes, snapshots, writer,
                    &AllocatorStats::huge_used_bytes);
}

}  // namespace poolscope
