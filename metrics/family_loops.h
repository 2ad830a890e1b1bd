// The loops that most families are: one sample an allocator, or one an arena.
//
//   WritePerArena(Metric::kArenaUsedBytes, snapshots, writer,
//                 &ArenaStats::used_bytes);
//
// `value` is a member or a function of the element. Every allocator's samples
// stand in the one family, whatever the number of allocators.
#ifndef POOLSCOPE_METRICS_FAMILY_LOOPS_H_
#define POOLSCOPE_METRICS_FAMILY_LOOPS_H_

#include <functional>

#include "absl/types/span.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/metrics/metric_names.h"
#include "poolscope/metrics/metric_writer.h"
#include "poolscope/metrics/number_format.h"

namespace poolscope {

// One snapshot of each registered allocator; their names differ.
using AllocatorSnapshots = absl::Span<const AllocatorStats>;

// Calls `samples(allocator)` between the beginning and the end of the family;
// the samples share the label `allocator`.
template <typename Samples>
void WriteFamily(Metric metric, AllocatorSnapshots snapshots,
                 MetricWriter& writer, Samples samples) {
  writer.BeginFamily(Describe(metric));
  for (const AllocatorStats& allocator : snapshots) {
    writer.ShareLabels({{"allocator", allocator.name}});
    samples(allocator);
  }
  writer.EndFamily();
}

template <typename Value>
void WritePerAllocator(Metric metric, AllocatorSnapshots snapshots,
                       MetricWriter& writer, Value value) {
  WriteFamily(metric, snapshots, writer, [&](const AllocatorStats& allocator) {
    writer.WriteSample({}, std::invoke(value, allocator));
  });
}

template <typename Value>
void WritePerArena(Metric metric, AllocatorSnapshots snapshots,
                   MetricWriter& writer, Value value) {
  WriteFamily(metric, snapshots, writer, [&](const AllocatorStats& allocator) {
    for (const ArenaStats& arena : allocator.arenas) {
      writer.WriteSample({{"arena", NumberText(arena.index).view()}},
                         std::invoke(value, arena));
    }
  });
}

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_FAMILY_LOOPS_H_
