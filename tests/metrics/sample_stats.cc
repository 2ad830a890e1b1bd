#include "poolscope/tests/metrics/sample_stats.h"

#include <string>
#include <vector>

#include "poolscope/allocator/outbound/admission_policy.h"

namespace poolscope {
namespace {

constexpr uint64_t kMiB = 1 << 20;

}  // namespace

AllocatorStats FreshStats(absl::string_view name, int arenas,
                          int size_classes) {
  AllocatorStats stats;
  stats.name = std::string(name);
  stats.snapshot_id = 1;
  stats.page_size_bytes = 8192;
  stats.chunk_size_bytes = 4 * kMiB;
  stats.layout = "runs";
  stats.direct_limit_bytes = 256 * kMiB;
  for (int i = 0; i < arenas; ++i) {
    ArenaStats arena;
    arena.index = i;
    for (int list = 0; list < kChunkListCount; ++list) {
      arena.lists[list].list = static_cast<ChunkListId>(list);
      arena.lists[list].max_usage_percent = 100;
    }
    stats.arenas.push_back(arena);
  }
  for (int i = 0; i < size_classes; ++i) {
    SizeClassStats size_class;
    size_class.size_bytes = 16 * (i + 1);
    stats.size_classes.push_back(size_class);
  }
  return stats;
}

AllocatorStats SampleStats(absl::string_view name) {
  AllocatorStats stats = FreshStats(name, /*arenas=*/2, /*size_classes=*/0);
  stats.snapshot_id = 17;
  stats.direct_used_bytes = 8 * kMiB + 6000000;
  stats.direct_peak_bytes = 20 * kMiB;
  stats.huge_used_bytes = 6000000;
  stats.allocation_failures_limit = 3;
  stats.allocation_failures_mapping = 1;
  stats.requested_bytes = 9007199254740993;  // 2^53 + 1: no double
  stats.pinned_bytes = 57344;
  stats.cached_bytes = 28672;
  stats.metadata_bytes = 70000;

  ArenaStats& first = stats.arenas[0];
  first.reserved_bytes = 8 * kMiB;
  first.used_bytes = 4 * kMiB + 131072;
  first.peak_used_bytes = 7 * kMiB;
  first.pinned_bytes = 57344;
  first.cached_bytes = 28672;
  first.external_fragmentation_bytes = 4 * kMiB - 131072;
  first.allocated_bytes = 5734400;
  first.freed_bytes = 5677056;
  first.by_kind[0] = {400, 396, 4};
  first.by_kind[1] = {20, 20, 0};
  first.by_kind[2] = {2, 1, 1};
  first.thread_caches = 1;
  first.chunk_allocations = 5;
  first.chunk_deallocations = 3;
  first.lists[1] = {ChunkListId::kQ000, 1, 50, 1, 4 * kMiB - 131072};
  first.lists[5] = {ChunkListId::kQ100, 100, 100, 1, 0};

  stats.size_classes = {
      {64, Kind::kSmall, 100, 100, 0, 128},
      {14336, Kind::kSmall, 300, 296, 4, 12},
      {65536, Kind::kNormal, 20, 20, 0, 1},
  };
  stats.chunks = {
      {7, 0x7f0000400000, 0, ChunkListId::kQ000, 3, 4 * kMiB, 131072,
       4 * kMiB - 131072, 57344, 28672, 0},
      {8, 0x7f0000800000, 0, ChunkListId::kQ100, 100, 4 * kMiB, 4 * kMiB, 0, 0,
       0, 0},
  };
  stats.chunks[0].oldest_sample = {41, 14000, 12.5};
  stats.chunks_by_utilization = {0, 1, 0, 0, 0, 0, 1};
  stats.chunk_list_moves_next = 11;
  stats.chunk_list_moves_prev = 9;
  stats.thread_cache_by_kind[0] = {400, 390, 10};
  stats.thread_cache_by_kind[1] = {20, 12, 8};
  stats.thread_cache_evictions = {1, 2, 3, 4, 5};
  stats.thread_cache_count = 1;
  stats.thread_cache_bytes = 28672;
  stats.thread_cache_limit_bytes = 2 * kMiB;
  stats.remote_frees = 42;
  stats.arena_locks = {17, 3, 0.000125};
  stats.durations[0].counts = {5, 4};
  stats.durations[0].sum_seconds = 0.0000002;
  stats.durations[2].counts.back() = 1;
  stats.durations[2].sum_seconds = 0.5;
  stats.thread_caches = {
      {3, 0, 1234, true, 28672, 2 * kMiB, 420, 402},
  };
  stats.sampled_live_allocations = 1;
  stats.missed_samples = 13;
  stats.oldest_allocation_age_seconds = 12.5;
  stats.internal_fragmentation_bytes = 1024.25;
  return stats;
}

OutboundStats SampleOutboundStats() {
  OutboundStats stats;
  stats.memory_bytes = 155000;
  OutboundGroupStats& clients = stats.groups.emplace_back();
  clients.group = "clients";
  clients.queued_bytes = 9007199254740993;  // 2^53 + 1: no double
  clients.written_bytes = 9007199254640887;
  clients.failed_bytes = {1, 20, 300};
  clients.pending_bytes = 99785;
  clients.pending_messages = 9;
  clients.max_channel_pending_bytes = 65536;
  clients.held_bytes = 16401;
  clients.writable_channels = 5;
  clients.unwritable_channels = 2;
  clients.oldest_message_age_seconds = 1.5;
  clients.transitions_to_unwritable = 12;
  clients.transitions_to_writable = 10;
  clients.unwritable_seconds = 33.25;
  clients.rejected_messages = {13, 14, 15};
  clients.admission_queue_messages = 16;
  clients.admission_queue_bytes = 17000;
  stats.groups.emplace_back().group = "store";
  return stats;
}

std::vector<ChannelStats> SampleChannels() {
  return {
      {7, "clients", "conn-7", "10.0.0.9:4711", AdmissionPolicy::kReject, false,
       65536, 6, 16401, 16, 1.5, 0.75},
      {9, "clients", "conn-9", "[2001:db8::1]:80", AdmissionPolicy::kQueue,
       true, 34249, 3, 0, 0, 0.5, 0},
      {1234, "store", "by \"hand\"\nwritten", "", AdmissionPolicy::kClose, true,
       0, 0, 0, 0, 0, 0},
  };
}

}  // namespace poolscope
