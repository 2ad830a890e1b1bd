#include "poolscope/metrics/metric_names.h"

#include <cstddef>

namespace poolscope {
namespace {

constexpr MetricType kCounter = MetricType::kCounter;
constexpr MetricType kGauge = MetricType::kGauge;
constexpr MetricType kHistogram = MetricType::kHistogram;
constexpr MetricType kInfo = MetricType::kInfo;
constexpr MetricType kStateSet = MetricType::kStateSet;

constexpr MetricRow kRows[] = {
    // Arenas.
    {Metric::kArenaReservedBytes,
     {"poolscope_arena_reserved_bytes", kGauge, "bytes",
      "Bytes of the chunks that the arena has mapped."},
     "allocator,arena"},
    {Metric::kArenaUsedBytes,
     {"poolscope_arena_used_bytes", kGauge, "bytes",
      "Bytes of the page runs handed out of the arena's chunks, free slab "
      "elements and cached blocks included."},
     "allocator,arena"},
    {Metric::kArenaPinnedBytes,
     {"poolscope_arena_pinned_bytes", kGauge, "bytes",
      "Bytes of the blocks in users' hands, by their size class."},
     "allocator,arena"},
    {Metric::kArenaCachedBytes,
     {"poolscope_arena_cached_bytes", kGauge, "bytes",
      "Bytes of the arena's blocks in thread caches, on their way back or "
      "shared, by their size class."},
     "allocator,arena"},
    {Metric::kArenaPeakUsedBytes,
     {"poolscope_arena_peak_used_bytes", kGauge, "bytes",
      "Highest value that poolscope_arena_used_bytes has had."},
     "allocator,arena"},
    {Metric::kArenaAllocations,
     {"poolscope_arena_allocations_total", kCounter, "",
      "Blocks allocated, those served from thread caches included."},
     "allocator,arena,kind"},
    {Metric::kArenaDeallocations,
     {"poolscope_arena_deallocations_total", kCounter, "",
      "Blocks freed, those kept in thread caches included."},
     "allocator,arena,kind"},
    {Metric::kArenaActiveAllocations,
     {"poolscope_arena_active_allocations", kGauge, "",
      "Blocks in users' hands: allocations less deallocations."},
     "allocator,arena,kind"},
    {Metric::kArenaAllocatedBytes,
     {"poolscope_arena_allocated_bytes_total", kCounter, "bytes",
      "Bytes allocated, by size class."},
     "allocator,arena"},
    {Metric::kArenaFreedBytes,
     {"poolscope_arena_freed_bytes_total", kCounter, "bytes",
      "Bytes freed, by size class."},
     "allocator,arena"},
    {Metric::kArenaThreadCaches,
     {"poolscope_arena_thread_caches", kGauge, "",
      "Thread caches bound to the arena."},
     "allocator,arena"},

    // Chunks.
    {Metric::kChunks,
     {"poolscope_chunks", kGauge, "",
      "Chunks in each of the arena's lists; a list holds chunks of similar "
      "usage."},
     "allocator,arena,list"},
    {Metric::kChunkListFreeBytes,
     {"poolscope_chunk_list_free_bytes", kGauge, "bytes",
      "Bytes of free pages in the chunks of the list."},
     "allocator,arena,list"},
    {Metric::kChunksByUtilization,
     {"poolscope_chunks_by_utilization", kGauge, "",
      "Chunks by the percentage of their pages handed out."},
     "allocator,range"},
    {Metric::kChunkAllocations,
     {"poolscope_chunk_allocations_total", kCounter, "", "Chunks mapped."},
     "allocator,arena"},
    {Metric::kChunkDeallocations,
     {"poolscope_chunk_deallocations_total", kCounter, "", "Chunks unmapped."},
     "allocator,arena"},
    {Metric::kChunkListMoves,
     {"poolscope_chunk_list_moves_total", kCounter, "",
      "Chunks moved to the next fuller list (next) or to the next emptier one "
      "(prev)."},
     "allocator,direction"},
    {Metric::kOldestAllocationAge,
     {"poolscope_oldest_allocation_age_seconds", kGauge, "seconds",
      "Age of the oldest sampled block still in use; 0 when no sampled block "
      "is."},
     "allocator"},
    {Metric::kMissedSamples,
     {"poolscope_missed_samples_total", kCounter, "",
      "Allocations that were to be sampled and had no room for it: no page of "
      "their own at the limit, or no memory for a record."},
     "allocator"},
    {Metric::kHugeUsedBytes,
     {"poolscope_huge_used_bytes", kGauge, "bytes",
      "Bytes of blocks larger than a chunk, each in a mapping of its own."},
     "allocator"},

    // Memory.
    {Metric::kDirectMemoryUsedBytes,
     {"poolscope_direct_memory_used_bytes", kGauge, "bytes",
      "Bytes counted against the limit: chunks and huge blocks."},
     "allocator"},
    {Metric::kDirectMemoryLimitBytes,
     {"poolscope_direct_memory_limit_bytes", kGauge, "bytes",
      "The limit on chunks and huge blocks together."},
     "allocator"},
    {Metric::kDirectMemoryPeakBytes,
     {"poolscope_direct_memory_peak_bytes", kGauge, "bytes",
      "Highest value that poolscope_direct_memory_used_bytes has had."},
     "allocator"},
    {Metric::kAllocationFailures,
     {"poolscope_allocation_failures_total", kCounter, "",
      "Requests refused: at the limit, or because the system gave no mapping."},
     "allocator,reason"},
    {Metric::kRequestedBytes,
     {"poolscope_requested_bytes_total", kCounter, "bytes",
      "Bytes asked for, before rounding up to a size class."},
     "allocator"},
    {Metric::kInternalFragmentationBytes,
     {"poolscope_internal_fragmentation_bytes", kGauge, "bytes",
      "Estimated bytes of blocks in use beyond what was asked for, weighted "
      "from sampled blocks."},
     "allocator"},
    {Metric::kExternalFragmentationBytes,
     {"poolscope_external_fragmentation_bytes", kGauge, "bytes",
      "Free bytes in chunks that are not empty."},
     "allocator,arena"},

    // Size classes.
    {Metric::kSizeClassAllocations,
     {"poolscope_size_class_allocations_total", kCounter, "",
      "Blocks allocated of the size class, given in bytes."},
     "allocator,size_class"},
    {Metric::kSizeClassActiveElements,
     {"poolscope_size_class_active_elements", kGauge, "",
      "Blocks of the size class in users' hands."},
     "allocator,size_class"},
    {Metric::kSizeClassCapacityElements,
     {"poolscope_size_class_capacity_elements", kGauge, "",
      "Blocks of the size class carved out of chunks, in use or not."},
     "allocator,size_class"},
    {Metric::kAllocationSize,
     {"poolscope_allocation_size_bytes", kHistogram, "bytes",
      "Blocks allocated of up to one chunk, by the bytes of their size class; "
      "exact."},
     "allocator"},
    {Metric::kAllocationDuration,
     {"poolscope_allocation_duration_seconds", kHistogram, "seconds",
      "Time that sampled allocations took, by how far they had to go: cache, "
      "arena, os."},
     "allocator,path"},

    // Thread caches.
    {Metric::kThreadCaches,
     {"poolscope_thread_caches", kGauge, "", "Thread caches that exist."},
     "allocator"},
    {Metric::kThreadCacheRequests,
     {"poolscope_thread_cache_requests_total", kCounter, "",
      "Requests of up to one chunk: hits and misses."},
     "allocator,kind"},
    {Metric::kThreadCacheHits,
     {"poolscope_thread_cache_hits_total", kCounter, "",
      "Requests served from the calling thread's cache."},
     "allocator,kind"},
    {Metric::kThreadCacheMisses,
     {"poolscope_thread_cache_misses_total", kCounter, "",
      "Requests of up to one chunk that an arena served."},
     "allocator,kind"},
    {Metric::kThreadCacheBytes,
     {"poolscope_thread_cache_bytes", kGauge, "bytes",
      "Bytes of blocks in thread caches, on their way back or shared, by their "
      "size class."},
     "allocator"},
    {Metric::kThreadCacheLimitBytes,
     {"poolscope_thread_cache_limit_bytes", kGauge, "bytes",
      "Bytes that the thread caches may hold together, by their present "
      "budgets."},
     "allocator"},
    {Metric::kThreadCacheEvictions,
     {"poolscope_thread_cache_evictions_total", kCounter, "",
      "Blocks that thread caches gave back, by the reason."},
     "allocator,reason"},
    {Metric::kRemoteFrees,
     {"poolscope_remote_frees_total", kCounter, "",
      "Blocks freed by another thread than the one whose cache owns them."},
     "allocator"},

    // Locks.
    {Metric::kLockAcquisitions,
     {"poolscope_lock_acquisitions_total", kCounter, "",
      "Times that a lock of the kind was taken."},
     "allocator,lock"},
    {Metric::kLockContentions,
     {"poolscope_lock_contentions_total", kCounter, "",
      "Times that taking it meant waiting for another thread."},
     "allocator,lock"},
    {Metric::kLockWait,
     {"poolscope_lock_wait_seconds_total", kCounter, "seconds",
      "Time spent waiting for it, all threads together."},
     "allocator,lock"},

    // Leaks.
    {Metric::kLeaks,
     {"poolscope_leaks_total", kCounter, "",
      "Tracked blocks that were found leaked, or suspected of it by their age; "
      "each once a verdict."},
     "allocator,verdict"},
    {Metric::kLeakReports,
     {"poolscope_leak_reports_total", kCounter, "",
      "Different leak reports: one for all blocks of a creation stack that "
      "were lost in the same way."},
     "allocator,verdict"},
    {Metric::kLeakTrackedBuffers,
     {"poolscope_leak_tracked_buffers", kGauge, "",
      "Blocks in users' hands that the leak detector has a record of."},
     "allocator"},
    {Metric::kLeakSamplingRatio,
     {"poolscope_leak_sampling_ratio", kGauge, "",
      "Share of allocations that the leak detector was told of since its level "
      "changed, from 0 to 1; 0 before the first."},
     "allocator"},
    {Metric::kLeakRecordsDropped,
     {"poolscope_leak_records_dropped_total", kCounter, "",
      "What the leak detector had no room for: whole blocks, the creation "
      "stacks of blocks, and accesses."},
     "allocator,record"},
    {Metric::kLeakDetectionLevel,
     {"poolscope_leak_detection_level", kStateSet, "",
      "1 for the level of leak detection that holds, 0 for the others."},
     "allocator,level"},

    // Outbound.
    {Metric::kOutboundPendingBytes,
     {"poolscope_outbound_pending_bytes", kGauge, "bytes",
      "Payload bytes queued for the group's channels and neither written nor "
      "failed."},
     "group"},
    {Metric::kOutboundPendingMessages,
     {"poolscope_outbound_pending_messages", kGauge, "",
      "Messages queued that have not ended, partly written ones included."},
     "group"},
    {Metric::kOutboundChannels,
     {"poolscope_outbound_channels", kGauge, "",
      "Registered channels by whether they take more."},
     "group,state"},
    {Metric::kOutboundMaxChannelPendingBytes,
     {"poolscope_outbound_max_channel_pending_bytes", kGauge, "bytes",
      "Pending bytes of the channel that has most."},
     "group"},
    {Metric::kOutboundOldestMessageAge,
     {"poolscope_outbound_oldest_message_age_seconds", kGauge, "seconds",
      "Time for which the oldest pending message has waited; 0 when none is "
      "pending."},
     "group"},
    {Metric::kOutboundHeldBytes,
     {"poolscope_outbound_held_bytes", kGauge, "bytes",
      "Bytes that sinks have taken, counted as written, and still hold above "
      "the kernel."},
     "group"},
    {Metric::kOutboundQueuedBytes,
     {"poolscope_outbound_queued_bytes_total", kCounter, "bytes",
      "Payload bytes of the messages queued."},
     "group"},
    {Metric::kOutboundWrittenBytes,
     {"poolscope_outbound_written_bytes_total", kCounter, "bytes",
      "Payload bytes that sinks have taken."},
     "group"},
    {Metric::kOutboundFailedBytes,
     {"poolscope_outbound_failed_bytes_total", kCounter, "bytes",
      "Payload bytes that were queued and never written, by the reason."},
     "group,reason"},
    {Metric::kOutboundWatermarkTransitions,
     {"poolscope_outbound_watermark_transitions_total", kCounter, "",
      "Times that a channel became unwritable, or writable again."},
     "group,direction"},
    {Metric::kOutboundUnwritable,
     {"poolscope_outbound_unwritable_seconds_total", kCounter, "seconds",
      "Time that channels were unwritable, all channels together."},
     "group"},
    {Metric::kOutboundRejectedMessages,
     {"poolscope_outbound_rejected_messages_total", kCounter, "",
      "Messages that did not get into a channel's buffer, rejected by the "
      "channel's policy or failed with it while they waited."},
     "group,policy"},
    {Metric::kOutboundAdmissionQueueMessages,
     {"poolscope_outbound_admission_queue_messages", kGauge, "",
      "Messages that wait for their channel to be writable; not among those "
      "pending."},
     "group"},
    {Metric::kOutboundAdmissionQueueBytes,
     {"poolscope_outbound_admission_queue_bytes", kGauge, "bytes",
      "Bytes of the messages that wait for their channel to be writable."},
     "group"},
    {Metric::kGovernorChannels,
     {"poolscope_governor_channels", kGauge, "",
      "Channels that the memory governor watches, by what it has them do."},
     "state"},
    {Metric::kGovernorPauses,
     {"poolscope_governor_pauses_total", kCounter, "",
      "Times that the memory governor paused a channel's reading."},
     ""},
    {Metric::kGovernorResumes,
     {"poolscope_governor_resumes_total", kCounter, "",
      "Times that the memory governor had a channel read again."},
     ""},
    {Metric::kGovernorRejections,
     {"poolscope_governor_rejections_total", kCounter, "",
      "Messages that the memory governor had rejected, since nothing else made "
      "progress."},
     ""},

    // The process.
    {Metric::kProcessResidentMemory,
     {"process_resident_memory_bytes", kGauge, "bytes",
      "Resident memory size in bytes."},
     ""},
    {Metric::kProcessVirtualMemory,
     {"process_virtual_memory_bytes", kGauge, "bytes",
      "Virtual memory size in bytes."},
     ""},
    {Metric::kProcessStartTime,
     {"process_start_time_seconds", kGauge, "seconds",
      "Start time of the process since unix epoch in seconds."},
     ""},

    // Native memory.
    {Metric::kNativeMemoryReservedBytes,
     {"poolscope_native_memory_reserved_bytes", kGauge, "bytes",
      "Bytes of address space that the category holds, in the last walk over "
      "the mappings."},
     "category"},
    {Metric::kNativeMemoryCommittedBytes,
     {"poolscope_native_memory_committed_bytes", kGauge, "bytes",
      "Bytes of it that may be used without asking the system again."},
     "category"},
    {Metric::kNativeMemoryResidentBytes,
     {"poolscope_native_memory_resident_bytes", kGauge, "bytes",
      "Bytes of it in memory; over the categories they add up to the walk's "
      "Rss."},
     "category"},
    {Metric::kNativeMemoryPeakCommittedBytes,
     {"poolscope_native_memory_peak_committed_bytes", kGauge, "bytes",
      "Highest value of poolscope_native_memory_committed_bytes that was "
      "seen."},
     "category"},
    {Metric::kNativeMemoryLiveAllocations,
     {"poolscope_native_memory_live_allocations", kGauge, "",
      "Mappings, blocks or threads that the category consists of."},
     "category"},
    {Metric::kNativeMemoryUnattributedBytes,
     {"poolscope_native_memory_unattributed_bytes", kGauge, "bytes",
      "Resident bytes that no category but Unknown has."},
     ""},
    {Metric::kGlibcArenas,
     {"poolscope_glibc_arenas", kGauge, "",
      "Arenas that glibc's malloc has made; there while malloc is glibc's."},
     ""},
    {Metric::kMallocInfo,
     {"poolscope_malloc_info", kInfo, "", "Whose malloc the process runs on."},
     "implementation"},
    {Metric::kMallocBytes,
     {"poolscope_malloc_bytes", kGauge, "bytes",
      "Bytes of malloc: in use, free but kept, and mapped, which is both and "
      "malloc's own records; those that the implementation tells."},
     "state"},

    // Limits and pressure.
    {Metric::kHeadroomBytes,
     {"poolscope_headroom_bytes", kGauge, "bytes",
      "Bytes up to the nearest limit: an allocator's own, or that of a cgroup "
      "that the process is in, its inactive page cache not counted."},
     ""},
    {Metric::kOomEta,
     {"poolscope_oom_eta_seconds", kGauge, "seconds",
      "Time until a limit is reached at the pace of the last minutes; left out "
      "while none is being approached."},
     ""},
    {Metric::kCgroupMemoryLimitBytes,
     {"poolscope_cgroup_memory_limit_bytes", kGauge, "bytes",
      "The limit of the cgroup whose limit is nearest, the process's own or "
      "one above it; left out while none has a limit."},
     ""},
    {Metric::kCgroupMemoryUsageBytes,
     {"poolscope_cgroup_memory_usage_bytes", kGauge, "bytes",
      "What the same cgroup uses, page cache included; the process's own where "
      "none has a limit."},
     ""},
    {Metric::kCgroupMemoryInactiveFileBytes,
     {"poolscope_cgroup_memory_inactive_file_bytes", kGauge, "bytes",
      "Page cache of the same cgroup that the kernel drops before it refuses "
      "memory."},
     ""},
    {Metric::kCgroupMemoryEvents,
     {"poolscope_cgroup_memory_events_total", kCounter, "",
      "How often the process's own cgroup met a limit, by what happened."},
     "event"},
    {Metric::kMemoryStalled,
     {"poolscope_memory_stalled_seconds_total", kCounter, "seconds",
      "Time in which tasks waited for memory: at least one (some), or all that "
      "had work (full)."},
     "scope"},

    // Actions.
    {Metric::kTrims,
     {"poolscope_trims_total", kCounter, "",
      "Requests to trim, by what came of them."},
     "result"},
    {Metric::kTrimmedBytes,
     {"poolscope_trimmed_bytes_total", kCounter, "bytes",
      "Bytes that trims on request gave back to the system, of allocators and "
      "of malloc."},
     ""},

    // Self.
    {Metric::kBuildInfo,
     {"poolscope_build_info", kInfo, "",
      "Version, revision and compiler of this library."},
     "version,revision,compiler"},
    {Metric::kConfigInfo,
     {"poolscope_config_info", kInfo, "",
      "The allocator's geometry; sizes in bytes."},
     "allocator,page_size,chunk_size,arenas,layout"},
    {Metric::kSnapshotId,
     {"poolscope_snapshot_id", kGauge, "",
      "Number of the snapshot that the allocator's figures are from; it grows "
      "by one with each taken in the process."},
     "allocator"},
    {Metric::kScrapeDuration,
     {"poolscope_scrape_duration_seconds", kGauge, "seconds",
      "Time that the collector took, in this scrape or, where it works in the "
      "background, when it last did."},
     "collector"},
    {Metric::kScrapeSuccess,
     {"poolscope_scrape_success", kGauge, "",
      "1 when the collector delivered its figures in this scrape, else 0."},
     "collector"},
    {Metric::kSnapshotAge,
     {"poolscope_snapshot_age_seconds", kGauge, "seconds",
      "Age of the collector's figures when they were written."},
     "collector"},
    {Metric::kHttpRequests,
     {"poolscope_http_requests_total", kCounter, "",
      "Requests answered by this library's HTTP server."},
     "handler,code"},
    {Metric::kHttpRequestDuration,
     {"poolscope_http_request_duration_seconds", kHistogram, "seconds",
      "Time from a request's arrival at its handler until its answer was "
      "handed to the socket."},
     "handler"},
    {Metric::kTrackingOverheadBytes,
     {"poolscope_tracking_overhead_bytes", kGauge, "bytes",
      "Bytes that this library uses for itself: the allocators' tables and "
      "records, those of channels and of registered categories, and the "
      "exporter's buffers."},
     ""},
    {Metric::kDroppedSeries,
     {"poolscope_dropped_series_total", kCounter, "",
      "Series of registered collectables that could not be shown, by the "
      "reason."},
     "reason"},
};

constexpr bool RowsFollowTheEnum() {
  for (size_t i = 0; i < sizeof(kRows) / sizeof(kRows[0]); ++i) {
    if (static_cast<size_t>(kRows[i].metric) != i) return false;
  }
  return sizeof(kRows) / sizeof(kRows[0]) == kMetricCount;
}
static_assert(RowsFollowTheEnum(), "one row a metric, in the enum's order");

}  // namespace

absl::Span<const MetricRow> AllMetrics() { return kRows; }

const MetricDescriptor& Describe(Metric metric) {
  return kRows[static_cast<int>(metric)].descriptor;
}

}  // namespace poolscope
