// PoolCore::Stats(): how a snapshot is put together.
//
// In this order, so that what AllocatorStats promises holds under load:
//   1. bytes that arrived at their owner (drained)
//   2. frees, of every class, by owners, by other threads and under locks
//   3. allocations
// Each counter only grows, and each step reads with acquire what is released
// together with the step before it; see SingleWriterCounter.
#include <algorithm>
#include <atomic>

#include "poolscope/allocator/base/clock.h"
#include "poolscope/allocator/pool/pool_core.h"

namespace poolscope {
namespace pool_internal {
namespace {

// Relaxed: only uniqueness and growth matter.
std::atomic<uint64_t> next_snapshot{1};

using PerClass = std::array<uint64_t, kMaxSizeClasses>;

Kind KindOf(const ClassLayout& layout, int size_class) {
  return layout.is_small(size_class) ? Kind::kSmall : Kind::kNormal;
}

}  // namespace

struct PoolCore::Counts {
  struct PerArena {
    uint64_t drained_bytes = 0;
    uint64_t remote_bytes = 0;
    uint64_t huge_frees = 0;
    uint64_t huge_freed_bytes = 0;
    uint64_t huge_allocations = 0;
    uint64_t huge_allocated_bytes = 0;
    PerClass frees = {};
    PerClass allocations = {};
  };
  explicit Counts(size_t arenas) : arena(arenas) {}

  std::vector<PerArena> arena;
  uint64_t remote_frees = 0;
  PerClass hits = {};
  PerClass misses = {};
};

void PoolCore::ReadFrees(Counts* counts) const {
  for (const std::unique_ptr<Arena>& arena : arenas_) {
    counts->arena[arena->index()].drained_bytes +=
        arena->counters().drained_bytes.Value();
  }
  ForEachCache([&](const ThreadCache* cache) {
    counts->arena[cache->arena()->index()].drained_bytes +=
        cache->drained_bytes();
  });
  const int classes = env_.layout.count();
  ForEachCache([&](const ThreadCache* cache) {
    PerClass& own = counts->arena[cache->arena()->index()].frees;
    for (int c = 0; c < classes; ++c) own[c] += cache->CountFrees(c);
    for (size_t a = 0; a < arenas_.size(); ++a) {
      if (!cache->FreesRemotelyInto(a)) continue;
      Counts::PerArena& other = counts->arena[a];
      for (int c = 0; c < classes; ++c) {
        const uint64_t frees = cache->CountRemoteFrees(a, c);
        other.frees[c] += frees;
        other.remote_bytes += frees * env_.layout.size(c);
        counts->remote_frees += frees;
      }
    }
  });
  for (const std::unique_ptr<Arena>& arena : arenas_) {
    Counts::PerArena& own = counts->arena[arena->index()];
    const DirectCounters& direct = arena->counters();
    for (int c = 0; c < classes; ++c) own.frees[c] += direct.frees[c].Value();
    own.remote_bytes += direct.sent_bytes.Value();
    own.huge_freed_bytes = direct.huge_freed_bytes.Value();
    own.huge_frees = direct.huge_frees.Value();
  }
}

void PoolCore::ReadAllocations(Counts* counts) const {
  const int classes = env_.layout.count();
  ForEachCache([&](const ThreadCache* cache) {
    PerClass& own = counts->arena[cache->arena()->index()].allocations;
    for (int c = 0; c < classes; ++c) {
      const uint64_t hits = cache->CountHits(c);
      const uint64_t misses = cache->CountMisses(c);
      own[c] += hits + misses;
      counts->hits[c] += hits;
      counts->misses[c] += misses;
    }
  });
  for (const std::unique_ptr<Arena>& arena : arenas_) {
    Counts::PerArena& own = counts->arena[arena->index()];
    const DirectCounters& direct = arena->counters();
    for (int c = 0; c < classes; ++c) {
      own.allocations[c] += direct.allocations[c].Value();
    }
    own.huge_allocations = direct.huge_allocations.Value();
    own.huge_allocated_bytes = direct.huge_allocated_bytes.Value();
  }
}

PoolCore::Totals PoolCore::ReadTotals() const {
  const int classes = env_.layout.count();
  uint64_t drained = 0;
  uint64_t sent = 0;
  uint64_t frees = 0;
  uint64_t freed_bytes = 0;
  uint64_t allocations = 0;
  uint64_t allocated_bytes = 0;
  const auto add_free = [&](int size_class, uint64_t count) {
    frees += count;
    freed_bytes += count * env_.layout.size(size_class);
  };
  Totals totals;
  for (const std::unique_ptr<Arena>& arena : arenas_) {
    drained += arena->counters().drained_bytes.Value();
    totals.cached_bytes += arena->shared_bytes();
  }
  ForEachCache([&](const ThreadCache* c) { drained += c->drained_bytes(); });
  for (const std::unique_ptr<Arena>& arena : arenas_) {
    const DirectCounters& direct = arena->counters();
    for (int c = 0; c < classes; ++c) add_free(c, direct.frees[c].Value());
    frees += direct.huge_frees.Value();
    freed_bytes += direct.huge_freed_bytes.Value();
    sent += direct.sent_bytes.Value();
  }
  ForEachCache([&](const ThreadCache* cache) {
    for (int c = 0; c < classes; ++c) add_free(c, cache->CountFrees(c));
    for (size_t a = 0; a < arenas_.size(); ++a) {
      if (!cache->FreesRemotelyInto(a)) continue;
      for (int c = 0; c < classes; ++c) {
        const uint64_t count = cache->CountRemoteFrees(a, c);
        add_free(c, count);
        sent += count * env_.layout.size(c);
      }
    }
  });
  const auto add_allocation = [&](int size_class, uint64_t count) {
    allocations += count;
    allocated_bytes += count * env_.layout.size(size_class);
  };
  ForEachCache([&](const ThreadCache* cache) {
    for (int c = 0; c < classes; ++c) {
      add_allocation(c, cache->CountHits(c) + cache->CountMisses(c));
    }
    totals.cached_bytes += cache->CachedBytes();
  });
  for (const std::unique_ptr<Arena>& arena : arenas_) {
    const DirectCounters& direct = arena->counters();
    for (int c = 0; c < classes; ++c) {
      add_allocation(c, direct.allocations[c].Value());
    }
    allocations += direct.huge_allocations.Value();
    allocated_bytes += direct.huge_allocated_bytes.Value();
  }
  totals.active_blocks = allocations - frees;
  totals.pinned_bytes = allocated_bytes - freed_bytes;
  if (sent > drained) totals.cached_bytes += sent - drained;
  return totals;
}

AllocatorStats PoolCore::Stats(const StatsOptions& wanted) const {
  AllocatorStats stats;
  const ClassLayout& layout = env_.layout;
  const int classes = layout.count();
  stats.snapshot_id = next_snapshot.fetch_add(1, std::memory_order_relaxed);
  stats.name = env_.options.name;
  stats.page_size_bytes = env_.options.page_size_bytes;
  stats.chunk_size_bytes = env_.options.chunk_size_bytes();
  stats.layout = ChunkLayoutName(env_.options.layout);

  if (wanted.chunks) {
    // So that blocks freed into an idle thread's queue count as free.
    ForEachCache([](ThreadCache* cache) {
      MutexLock lock(&cache->mutex);
      if (cache->state.load(std::memory_order_relaxed) == CacheState::kIdle) {
        cache->DrainReturns();
      }
    });
  }

  Counts counts(arenas_.size());
  ReadFrees(&counts);
  ReadAllocations(&counts);

  Arena::Carved carved = {};
  stats.arenas.resize(arenas_.size());
  for (const std::unique_ptr<Arena>& arena : arenas_) {
    ArenaStats& out = stats.arenas[arena->index()];
    const Counts::PerArena& in = counts.arena[arena->index()];
    arena->Collect(&out, &stats, &carved,
                   wanted.chunks ? &stats.chunks : nullptr);
    for (int c = 0; c < classes; ++c) {
      KindCounts& kind = out.by_kind[static_cast<int>(KindOf(layout, c))];
      kind.allocations += in.allocations[c];
      kind.deallocations += in.frees[c];
      out.allocated_bytes += in.allocations[c] * env_.layout.size(c);
      out.freed_bytes += in.frees[c] * env_.layout.size(c);
    }
    out.pinned_bytes = out.allocated_bytes - out.freed_bytes;
    KindCounts& huge = out.by_kind[static_cast<int>(Kind::kHuge)];
    huge.allocations = in.huge_allocations;
    huge.deallocations = in.huge_frees;
    out.allocated_bytes += in.huge_allocated_bytes;
    out.freed_bytes += in.huge_freed_bytes;
    for (KindCounts& kind : out.by_kind) {
      kind.active = kind.allocations - kind.deallocations;
    }
    // Freed by another thread, not yet taken up by the owner.
    if (in.remote_bytes > in.drained_bytes) {
      out.cached_bytes += in.remote_bytes - in.drained_bytes;
    }
    stats.requested_bytes += arena->counters().requested_bytes.Value();
    const LockCounts lock = arena->lock_counts();
    stats.arena_locks.acquisitions += lock.acquisitions;
    stats.arena_locks.contentions += lock.contentions;
    stats.arena_locks.wait_seconds += 1e-9 * lock.wait_nanos;
    arena->durations().AddTo(&stats.durations);
  }

  stats.size_classes.resize(classes);
  for (int c = 0; c < classes; ++c) {
    SizeClassStats& out = stats.size_classes[c];
    const Kind kind = KindOf(layout, c);
    out.size_bytes = env_.layout.size(c);
    out.kind = kind;
    for (const Counts::PerArena& in : counts.arena) {
      out.allocations += in.allocations[c];
      out.deallocations += in.frees[c];
    }
    out.active_elements = out.allocations - out.deallocations;
    out.capacity_elements = carved[c];
    ThreadCacheKindStats& cache =
        stats.thread_cache_by_kind[static_cast<int>(kind)];
    cache.hits += counts.hits[c];
    cache.misses += counts.misses[c];
  }
  for (ThreadCacheKindStats& kind : stats.thread_cache_by_kind) {
    kind.requests = kind.hits + kind.misses;
  }

  ForEachCache([&](const ThreadCache* cache) {
    ArenaStats& arena = stats.arenas[cache->arena()->index()];
    const uint64_t cached = cache->CachedBytes();
    arena.cached_bytes += cached;
    stats.requested_bytes += cache->RequestedBytes();
    cache->durations().AddTo(&stats.durations);
    for (int r = 0; r < kEvictionReasonCount; ++r) {
      stats.thread_cache_evictions[r] +=
          cache->evictions(static_cast<EvictionReason>(r));
    }
    const CacheState state = cache->state.load(std::memory_order_relaxed);
    if (state == CacheState::kSpare || !cache->enabled()) return;
    ++arena.thread_caches;
    ++stats.thread_cache_count;
    stats.thread_cache_limit_bytes += cache->budget_bytes();
    if (!wanted.thread_caches) return;
    ThreadCacheStats& out = stats.thread_caches.emplace_back();
    out.id = cache->id >> 1;
    out.arena = cache->arena()->index();
    out.thread_id = cache->thread_id();
    out.idle = state == CacheState::kIdle;
    out.cached_bytes = cached;
    out.limit_bytes = cache->budget_bytes();
    // Hits first: both grow meanwhile, and hits are requests.
    for (int c = 0; c < classes; ++c) out.hits += cache->CountHits(c);
    out.requests = cache->TotalRequests();
  });
  for (const ArenaStats& arena : stats.arenas) {
    stats.pinned_bytes += arena.pinned_bytes;
    stats.cached_bytes += arena.cached_bytes;
  }
  stats.thread_cache_bytes = stats.cached_bytes;
  stats.remote_frees = counts.remote_frees;

  stats.direct_limit_bytes = env_.limit.limit();
  stats.huge_used_bytes = huge_bytes_.load(std::memory_order_relaxed);
  stats.direct_used_bytes = env_.limit.used();
  stats.direct_peak_bytes =
      std::max<uint64_t>(env_.limit.peak(), stats.direct_used_bytes);
  stats.allocation_failures_limit =
      failures_limit_.load(std::memory_order_relaxed);
  stats.allocation_failures_mapping =
      failures_mapping_.load(std::memory_order_relaxed);
  stats.metadata_bytes = env_.metadata.mapped_bytes();

  const SampleTotals samples = env_.sampler.Totals();
  stats.sampled_live_allocations = samples.live;
  stats.internal_fragmentation_bytes = samples.internal_fragmentation_bytes;
  if (samples.live > 0) {
    stats.oldest_allocation_age_seconds =
        1e-9 * std::max<int64_t>(
                   0, env_.options.clock->NowNanos() - samples.oldest_nanos);
  }
  return stats;
}

}  // namespace pool_internal
}  // namespace poolscope
