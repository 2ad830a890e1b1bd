#include "poolscope/tests/allocator/pool/stress/stats_identities.h"

#include <cstdint>
#include <vector>

#include "absl/strings/str_format.h"

namespace poolscope {
namespace {

// Anything below zero shows as more than this.
constexpr uint64_t kAbsurd = uint64_t{1} << 60;

std::string BrokenInArena(const ArenaStats& arena) {
  uint64_t free = 0;
  uint64_t chunks = 0;
  for (const ChunkListStats& list : arena.lists) {
    free += list.free_bytes;
    chunks += list.chunks;
  }
  if (arena.used_bytes + free != arena.reserved_bytes) {
    return absl::StrFormat("used %d + free %d != reserved %d", arena.used_bytes,
                           free, arena.reserved_bytes);
  }
  if (arena.chunk_allocations - arena.chunk_deallocations != chunks) {
    return absl::StrFormat("%d chunks, %d created and %d destroyed", chunks,
                           arena.chunk_allocations, arena.chunk_deallocations);
  }
  if (arena.peak_used_bytes < arena.used_bytes) {
    return absl::StrFormat("peak %d below used %d", arena.peak_used_bytes,
                           arena.used_bytes);
  }
  if (arena.external_fragmentation_bytes > free) {
    return absl::StrFormat("external fragmentation %d above free %d",
                           arena.external_fragmentation_bytes, free);
  }
  if (arena.freed_bytes > arena.allocated_bytes) {
    return absl::StrFormat("freed %d bytes of %d", arena.freed_bytes,
                           arena.allocated_bytes);
  }
  if (arena.pinned_bytes > kAbsurd || arena.cached_bytes > kAbsurd) {
    return absl::StrFormat("pinned %d, cached %d", arena.pinned_bytes,
                           arena.cached_bytes);
  }
  for (int k = 0; k < kKindCount; ++k) {
    const KindCounts& kind = arena.by_kind[k];
    if (kind.deallocations > kind.allocations ||
        kind.active != kind.allocations - kind.deallocations) {
      return absl::StrFormat("%s: %d allocations, %d deallocations, %d active",
                             KindName(static_cast<Kind>(k)), kind.allocations,
                             kind.deallocations, kind.active);
    }
  }
  return "";
}

std::string BrokenInCaches(const AllocatorStats& stats) {
  for (const ThreadCacheKindStats& kind : stats.thread_cache_by_kind) {
    if (kind.hits + kind.misses != kind.requests) {
      return absl::StrFormat("%d hits + %d misses != %d requests", kind.hits,
                             kind.misses, kind.requests);
    }
  }
  if (stats.thread_cache_bytes != stats.cached_bytes) {
    return absl::StrFormat("thread_cache_bytes %d, cached_bytes %d",
                           stats.thread_cache_bytes, stats.cached_bytes);
  }
  for (const ThreadCacheStats& cache : stats.thread_caches) {
    if (cache.hits > cache.requests) {
      return absl::StrFormat("cache %d: %d hits of %d requests", cache.id,
                             cache.hits, cache.requests);
    }
  }
  return "";
}

// Values that may only grow, in a fixed order, with their names.
struct Counter {
  const char* name;
  uint64_t value;
};

std::vector<Counter> Counters(const AllocatorStats& stats) {
  std::vector<Counter> all = {
      {"snapshot_id", stats.snapshot_id},
      {"direct_peak_bytes", stats.direct_peak_bytes},
      {"allocation_failures_limit", stats.allocation_failures_limit},
      {"allocation_failures_mapping", stats.allocation_failures_mapping},
      {"requested_bytes", stats.requested_bytes},
      {"chunk_list_moves_next", stats.chunk_list_moves_next},
      {"chunk_list_moves_prev", stats.chunk_list_moves_prev},
      {"remote_frees", stats.remote_frees},
  };
  for (const ArenaStats& arena : stats.arenas) {
    all.push_back({"allocated_bytes", arena.allocated_bytes});
    all.push_back({"freed_bytes", arena.freed_bytes});
    all.push_back({"peak_used_bytes", arena.peak_used_bytes});
    all.push_back({"chunk_allocations", arena.chunk_allocations});
    all.push_back({"chunk_deallocations", arena.chunk_deallocations});
    for (const KindCounts& kind : arena.by_kind) {
      all.push_back({"allocations", kind.allocations});
      all.push_back({"deallocations", kind.deallocations});
    }
  }
  for (const SizeClassStats& size_class : stats.size_classes) {
    all.push_back({"size class allocations", size_class.allocations});
    all.push_back({"size class deallocations", size_class.deallocations});
  }
  for (const ThreadCacheKindStats& kind : stats.thread_cache_by_kind) {
    all.push_back({"cache requests", kind.requests});
    all.push_back({"cache hits", kind.hits});
    all.push_back({"cache misses", kind.misses});
  }
  for (uint64_t evictions : stats.thread_cache_evictions) {
    all.push_back({"evictions", evictions});
  }
  return all;
}

}  // namespace

std::string BrokenIdentity(const AllocatorStats& stats) {
  uint64_t pinned = 0;
  uint64_t cached = 0;
  uint64_t caches = 0;
  uint64_t allocations = 0;
  for (const ArenaStats& arena : stats.arenas) {
    const std::string broken = BrokenInArena(arena);
    if (!broken.empty()) {
      return absl::StrFormat("arena %d: %s", arena.index, broken);
    }
    pinned += arena.pinned_bytes;
    cached += arena.cached_bytes;
    caches += arena.thread_caches;
    for (Kind kind : {Kind::kSmall, Kind::kNormal}) {
      allocations += arena.by_kind[static_cast<int>(kind)].allocations;
    }
  }
  if (pinned != stats.pinned_bytes || cached != stats.cached_bytes ||
      caches != stats.thread_cache_count) {
    return absl::StrFormat(
        "over arenas pinned %d, cached %d in %d caches; in all %d, %d, %d",
        pinned, cached, caches, stats.pinned_bytes, stats.cached_bytes,
        stats.thread_cache_count);
  }
  uint64_t by_class = 0;
  for (const SizeClassStats& size_class : stats.size_classes) {
    if (size_class.deallocations > size_class.allocations ||
        size_class.active_elements !=
            size_class.allocations - size_class.deallocations) {
      return absl::StrFormat(
          "class %d: %d allocations, %d deallocations, %d active",
          size_class.size_bytes, size_class.allocations,
          size_class.deallocations, size_class.active_elements);
    }
    by_class += size_class.allocations;
  }
  if (by_class != allocations) {
    return absl::StrFormat("%d allocations over classes, %d over arenas",
                           by_class, allocations);
  }
  if (stats.direct_peak_bytes < stats.direct_used_bytes ||
      stats.direct_used_bytes > stats.direct_limit_bytes) {
    return absl::StrFormat("direct memory used %d, peak %d, limit %d",
                           stats.direct_used_bytes, stats.direct_peak_bytes,
                           stats.direct_limit_bytes);
  }
  for (const ChunkStats& chunk : stats.chunks) {
    if (chunk.used_bytes + chunk.free_bytes != chunk.size_bytes ||
        chunk.pinned_bytes > chunk.used_bytes) {
      return absl::StrFormat("chunk %d: used %d, free %d, pinned %d of %d",
                             chunk.id, chunk.used_bytes, chunk.free_bytes,
                             chunk.pinned_bytes, chunk.size_bytes);
    }
  }
  return BrokenInCaches(stats);
}

std::string CounterThatFell(const AllocatorStats& before,
                            const AllocatorStats& after) {
  const std::vector<Counter> first = Counters(before);
  const std::vector<Counter> second = Counters(after);
  for (size_t i = 0; i < first.size(); ++i) {
    if (second[i].value < first[i].value) {
      return absl::StrFormat("%s (value %d of the list) fell from %d to %d",
                             first[i].name, i, first[i].value, second[i].value);
    }
  }
  return "";
}

}  // namespace poolscope
