// The catalogue: every metric of poolscope with its name, type, unit, labels
// and meaning, in one table (metric_names.cc).
//
// Names, types, units and labels are a contract with dashboards and alerts; a
// metric keeps its meaning for good. Families are shown in this order.
//
// A metric is listed here once its source is built, and then it is shown from
// the first scrape on. Those planned but not built are in docs/metrics.md.
#ifndef POOLSCOPE_METRICS_METRIC_NAMES_H_
#define POOLSCOPE_METRICS_METRIC_NAMES_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "poolscope/metrics/metric_writer.h"

namespace poolscope {

enum class Metric {
  // Arenas.
  kArenaReservedBytes,
  kArenaUsedBytes,
  kArenaPinnedBytes,
  kArenaCachedBytes,
  kArenaPeakUsedBytes,
  kArenaAllocations,
  kArenaDeallocations,
  kArenaActiveAllocations,
  kArenaAllocatedBytes,
  kArenaFreedBytes,
  kArenaThreadCaches,
  // Chunks.
  kChunks,
  kChunkListFreeBytes,
  kChunksByUtilization,
  kChunkAllocations,
  kChunkDeallocations,
  kChunkListMoves,
  kOldestAllocationAge,
  kMissedSamples,
  kHugeUsedBytes,
  // Memory.
  kDirectMemoryUsedBytes,
  kDirectMemoryLimitBytes,
  kDirectMemoryPeakBytes,
  kAllocationFailures,
  kRequestedBytes,
  kInternalFragmentationBytes,
  kExternalFragmentationBytes,
  // Size classes.
  kSizeClassAllocations,
  kSizeClassActiveElements,
  kSizeClassCapacityElements,
  kAllocationSize,
  kAllocationDuration,
  // Thread caches.
  kThreadCaches,
  kThreadCacheRequests,
  kThreadCacheHits,
  kThreadCacheMisses,
  kThreadCacheBytes,
  kThreadCacheLimitBytes,
  kThreadCacheEvictions,
  kRemoteFrees,
  // Locks.
  kLockAcquisitions,
  kLockContentions,
  kLockWait,
  // Leaks.
  kLeaks,
  kLeakReports,
  kLeakTrackedBuffers,
  kLeakSamplingRatio,
  kLeakRecordsDropped,
  kLeakDetectionLevel,
  // Outbound.
  kOutboundPendingBytes,
  kOutboundPendingMessages,
  kOutboundChannels,
  kOutboundMaxChannelPendingBytes,
  kOutboundOldestMessageAge,
  kOutboundHeldBytes,
  kOutboundQueuedBytes,
  kOutboundWrittenBytes,
  kOutboundFailedBytes,
  kOutboundWatermarkTransitions,
  kOutboundUnwritable,
  kOutboundRejectedMessages,
  kOutboundAdmissionQueueMessages,
  kOutboundAdmissionQueueBytes,
  kGovernorChannels,
  kGovernorPauses,
  kGovernorResumes,
  kGovernorRejections,
  // The process.
  kProcessResidentMemory,
  kProcessVirtualMemory,
  kProcessStartTime,
  // Native memory.
  kNativeMemoryReservedBytes,
  kNativeMemoryCommittedBytes,
  kNativeMemoryResidentBytes,
  kNativeMemoryPeakCommittedBytes,
  kNativeMemoryLiveAllocations,
  kNativeMemoryUnattributedBytes,
  kGlibcArenas,
  kMallocInfo,
  kMallocBytes,
  // Limits and pressure.
  kHeadroomBytes,
  kOomEta,
  kCgroupMemoryLimitBytes,
  kCgroupMemoryUsageBytes,
  kCgroupMemoryInactiveFileBytes,
  kCgroupMemoryEvents,
  kMemoryStalled,
  // Actions.
  kTrims,
  kTrimmedBytes,
  // Self: last, so that they count what happened in the scrape before them.
  kBuildInfo,
  kConfigInfo,
  kSnapshotId,
  kScrapeDuration,
  kScrapeSuccess,
  kSnapshotAge,
  kHttpRequests,
  kHttpRequestDuration,
  kTrackingOverheadBytes,
  kDroppedSeries,
};
inline constexpr int kMetricCount =
    static_cast<int>(Metric::kDroppedSeries) + 1;

// One row of the catalogue.
struct MetricRow {
  Metric metric;
  MetricDescriptor descriptor;
  absl::string_view
      labels;  // comma-separated, in the order shown; may be empty
};

// The whole table, in the order of Metric.
absl::Span<const MetricRow> AllMetrics();

const MetricDescriptor& Describe(Metric metric);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_METRIC_NAMES_H_
