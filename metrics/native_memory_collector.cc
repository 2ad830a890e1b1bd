#include "poolscope/metrics/native_memory_collector.h"

#include <cstdint>

#include "poolscope/metrics/metric_names.h"

namespace poolscope {
namespace {

template <typename Value>
void WriteByCategory(Metric metric, const NativeMemoryStats& stats,
                     MetricWriter& writer, Value value) {
  writer.BeginFamily(Describe(metric));
  for (const NativeMemoryCategoryStats& category : stats.categories) {
    writer.WriteSample({{"category", category.name}}, value(category));
  }
  writer.EndFamily();
}

}  // namespace

void CollectNativeMemory(const NativeMemoryStats& stats, MetricWriter& writer) {
  using Category = NativeMemoryCategoryStats;
  WriteByCategory(Metric::kNativeMemoryReservedBytes, stats, writer,
                  [](const Category& c) { return c.reserved_bytes(); });
  WriteByCategory(Metric::kNativeMemoryCommittedBytes, stats, writer,
                  [](const Category& c) { return c.committed_bytes(); });
  WriteByCategory(Metric::kNativeMemoryResidentBytes, stats, writer,
                  [](const Category& c) { return c.resident_bytes; });
  WriteByCategory(Metric::kNativeMemoryPeakCommittedBytes, stats, writer,
                  [](const Category& c) { return c.peak_committed_bytes; });
  WriteByCategory(Metric::kNativeMemoryLiveAllocations, stats, writer,
                  [](const Category& c) { return c.live_count; });
  uint64_t unattributed_bytes = 0;
  for (const Category& category : stats.categories) {
    if (category.name == "Unknown") {
      unattributed_bytes += category.resident_bytes;
    }
  }
  writer.BeginFamily(Describe(Metric::kNativeMemoryUnattributedBytes));
  if (stats.walk_id != 0) writer.WriteSample({}, unattributed_bytes);
  writer.EndFamily();
}

}  // namespace poolscope
