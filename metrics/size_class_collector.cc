#include "poolscope/metrics/size_class_collector.h"

#include <cstdint>
#include <vector>

#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/metrics/metric_names.h"
#include "poolscope/metrics/number_format.h"

namespace poolscope {
namespace {

void WritePerSizeClass(Metric metric, AllocatorSnapshots snapshots,
                       MetricWriter& writer, uint64_t SizeClassStats::*value) {
  WriteFamily(metric, snapshots, writer, [&](const AllocatorStats& allocator) {
    for (const SizeClassStats& size_class : allocator.size_classes) {
      writer.WriteSample(
          {{"size_class", NumberText(size_class.size_bytes).view()}},
          size_class.*value);
    }
  });
}

}  // namespace

void CollectSizeClasses(AllocatorSnapshots snapshots, MetricWriter& writer) {
  WritePerSizeClass(Metric::kSizeClassAllocations, snapshots, writer,
                    &SizeClassStats::allocations);
  WritePerSizeClass(Metric::kSizeClassActiveElements, snapshots, writer,
                    &SizeClassStats::active_elements);
  WritePerSizeClass(Metric::kSizeClassCapacityElements, snapshots, writer,
                    &SizeClassStats::capacity_elements);

  std::vector<HistogramBucket> buckets;
  WriteFamily(
      Metric::kAllocationSize, snapshots, writer,
      [&](const AllocatorStats& allocator) {
        buckets.clear();
        uint64_t count = 0;
        double sum = 0;
        for (const SizeClassStats& size_class : allocator.size_classes) {
          const double size = size_class.size_bytes;
          count += size_class.allocations;
          sum += size * size_class.allocations;
          buckets.push_back({size, count});
        }
        writer.WriteHistogram({}, {buckets, count, sum});
      });

  WriteFamily(
      Metric::kAllocationDuration, snapshots, writer,
      [&](const AllocatorStats& allocator) {
        for (int path = 0; path < kAllocationPathCount; ++path) {
          const DurationStats& durations = allocator.durations[path];
          buckets.clear();
          uint64_t count = 0;
          for (size_t i = 0; i < kDurationBoundsNanos.size(); ++i) {
            count += durations.counts[i];
            buckets.push_back({kDurationBoundsNanos[i] / 1e9, count});
          }
          count += durations.counts.back();
          writer.WriteHistogram(
              {{"path", AllocationPathName(static_cast<AllocationPath>(path))}},
              {buckets, count, durations.sum_seconds});
        }
      });
}

}  // namespace poolscope
