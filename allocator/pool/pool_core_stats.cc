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
#include <cstdint>
#include <limits>
#include <map>
#include <vector>

#include "poolscope/allocator/base/clock.h"
#include "poolscope/allocator/pool/pool_core.h"

namespace poolscope {
namespace pool_internal {
namespace {

size_t KindIndex(const ClassLayout& layout, int size_class) {
  return static_cast<size_t>(layout.is_small(size_class) ? Kind::kSmall
                                                         : Kind::kNormal);
}

}  // namespace

// What a snapshot needs of an arena and does not show.
struct PoolCore::ArenaFlow {
  uint64_t drained_bytes = 0;
  uint64_t remote_bytes = 0;  // freed by others than the owner
  uint64_t huge_freed_bytes = 0;
  uint64_t huge_allocated_bytes = 0;
};

void PoolCore::ReadFrees(std::vector<ArenaFlow>* flows,
                         AllocatorStats* stats) const {
  const ClassLayout& layout = env_.layout;
  for (const std::unique_ptr<Arena>& arena : arenas_) {
    (*flows)[arena->index()].drained_bytes +=
        arena->counters().drained_bytes.Value();
  }
  ForEachCache([&](const ThreadCache* cache) {
    (*flows)[cache->arena()->index()].drained_bytes += cache->drained_bytes();
  });
  const auto add = [&](ArenaStats& arena, int size_class, uint64_t frees) {
    arena.by_kind[KindIndex(layout, size_class)].deallocations += frees;
    arena.freed_bytes += frees * layout.size(size_class);
    stats->size_classes[size_class].deallocations += frees;
  };
  ForEachCache([&](const ThreadCache* cache) {
    ArenaStats& own = stats->arenas[cache->arena()->index()];
    cache->ForEachUsedClass([&](int c) { add(own, c, cache->CountFrees(c)); });
    for (size_t a = 0; a < arenas_.size(); ++a) {
      if (!cache->FreesRemotelyInto(a)) continue;
      for (int c = 0; c < layout.count(); ++c) {
        const uint64_t frees = cache->CountRemoteFrees(a, c);
        if (frees == 0) continue;
        add(stats->arenas[a], c, frees);
        (*flows)[a].remote_bytes += frees * layout.size(c);
        stats->remote_frees += frees;
      }
    }
  });
  for (const std::unique_ptr<Arena>& arena : arenas_) {
    ArenaStats& own = stats->arenas[arena->index()];
    ArenaFlow& flow = (*flows)[arena->index()];
    const DirectCounters& direct = arena->counters();
    for (int c = 0; c < layout.count(); ++c) {
      const uint64_t frees = direct.frees[c].Value();
      if (frees != 0) add(own, c, frees);
    }
    flow.remote_bytes += direct.sent_bytes.Value();
    flow.huge_freed_bytes = direct.huge_freed_bytes.Value();
    own.by_kind[static_cast<size_t>(Kind::kHuge)].deallocations =
        direct.huge_frees.Value();
  }
}

void PoolCore::ReadAllocations(const StatsOptions& wanted,
                               std::vector<ArenaFlow>* flows,
                               AllocatorStats* stats) const {
  const ClassLayout& layout = env_.layout;
  const auto add = [&](ArenaStats& arena, int size_class, uint64_t count) {
    arena.by_kind[KindIndex(layout, size_class)].allocations += count;
    arena.allocated_bytes += count * layout.size(size_class);
    stats->size_classes[size_class].allocations += count;
  };
  ForEachCache([&](const ThreadCache* cache) {
    ArenaStats& own = stats->arenas[cache->arena()->index()];
    ThreadCacheStats out;
    // All of a bin at once: its line comes from the owner's processor, and goes
    // back there when the owner writes again.
    cache->ForEachUsedClass([&](int c) {
      const uint64_t hits = cache->CountHits(c);
      const uint64_t misses = cache->CountMisses(c);
      add(own, c, hits + misses);
      ThreadCacheKindStats& kind =
          stats->thread_cache_by_kind[KindIndex(layout, c)];
      kind.hits += hits;
      kind.misses += misses;
      stats->requested_bytes += cache->RequestedBytes(c);
      out.hits += hits;
      out.requests += hits + misses;
      out.cached_bytes += cache->CachedBytes(c);
    });
    out.cached_bytes = std::min<uint64_t>(out.cached_bytes,
                                          env_.options.thread_cache_max_bytes);
    own.cached_bytes += out.cached_bytes;
    cache->durations().AddTo(&stats->durations);
    for (int r = 0; r < kEvictionReasonCount; ++r) {
      stats->thread_cache_evictions[r] +=
          cache->evictions(static_cast<EvictionReason>(r));
    }
    const CacheState state = cache->state.load(std::memory_order_relaxed);
    if (state == CacheState::kSpare || !cache->enabled()) return;
    out.limit_bytes = cache->budget_bytes();
    ++own.thread_caches;
    ++stats->thread_cache_count;
    stats->thread_cache_limit_bytes += out.limit_bytes;
    if (!wanted.thread_caches) return;
    out.id = cache->id >> 1;
    out.arena = own.index;
    out.thread_id = cache->thread_id();
    out.idle = state == CacheState::kIdle;
    stats->thread_caches.push_back(out);
  });
  for (const std::unique_ptr<Arena>& arena : arenas_) {
    ArenaStats& own = stats->arenas[arena->index()];
    const DirectCounters& direct = arena->counters();
    for (int c = 0; c < layout.count(); ++c) {
      const uint64_t count = direct.allocations[c].Value();
      if (count != 0) add(own, c, count);
    }
    own.by_kind[static_cast<size_t>(Kind::kHuge)].allocations =
        direct.huge_allocations.Value();
    (*flows)[arena->index()].huge_allocated_bytes =
        direct.huge_allocated_bytes.Value();
    stats->requested_bytes += direct.requested_bytes.Value();
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

// Records begin and end on their own: a block may have come or gone since the
// walk over the chunks.
void PoolCore::FindOldestSamples(int64_t now,
                                 std::vector<ChunkStats>* chunks) const {
  struct Oldest {
    ChunkStats* chunk;
    int64_t allocated_nanos;
  };
  std::map<uint64_t, Oldest> by_address;
  for (ChunkStats& chunk : *chunks) {
    by_address[chunk.address] = {&chunk, std::numeric_limits<int64_t>::max()};
  }
  env_.sampler.ForEach([&](const SampleRecord& record) {
    auto it = by_address.upper_bound(record.address);
    if (it == by_address.begin()) return;
    Oldest& oldest = (--it)->second;
    ChunkStats& chunk = *oldest.chunk;
    if (record.address - chunk.address >= chunk.size_bytes ||
        record.allocated_nanos >= oldest.allocated_nanos) {
      return;
    }
    oldest.allocated_nanos = record.allocated_nanos;
    chunk.oldest_sample.id = record.id;
    chunk.oldest_sample.requested_bytes = record.requested_bytes;
    chunk.oldest_sample.age_seconds =
        std::max<int64_t>(0, now - record.allocated_nanos) / 1e9;
  });
}

AllocatorStats PoolCore::Stats(const StatsOptions& wanted) const {
  AllocatorStats stats;
  const ClassLayout& layout = env_.layout;
  const int classes = layout.count();
  stats.snapshot_id = NextSnapshotId();
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

  stats.arenas.resize(arenas_.size());
  for (size_t a = 0; a < arenas_.size(); ++a) stats.arenas[a].index = a;
  stats.size_classes.resize(classes);
  std::vector<ArenaFlow> flows(arenas_.size());
  ReadFrees(&flows, &stats);
  ReadAllocations(wanted, &flows, &stats);

  Arena::Carved carved = {};
  for (const std::unique_ptr<Arena>& arena : arenas_) {
    ArenaStats& out = stats.arenas[arena->index()];
    const ArenaFlow& flow = flows[arena->index()];
    arena->Collect(&out, &stats, &carved,
                   wanted.chunks ? &stats.chunks : nullptr);
    out.pinned_bytes = out.allocated_bytes - out.freed_bytes;
    out.allocated_bytes += flow.huge_allocated_bytes;
    out.freed_bytes += flow.huge_freed_bytes;
    for (KindCounts& kind : out.by_kind) {
      kind.active = kind.allocations - kind.deallocations;
    }
    // Freed by another thread, not yet taken up by the owner.
    if (flow.remote_bytes > flow.drained_bytes) {
      out.cached_bytes += flow.remote_bytes - flow.drained_bytes;
    }
    const LockCounts lock = arena->lock_counts();
    stats.arena_locks.acquisitions += lock.acquisitions;
    stats.arena_locks.contentions += lock.contentions;
    stats.arena_locks.wait_seconds += 1e-9 * lock.wait_nanos;
    arena->durations().AddTo(&stats.durations);
  }

  for (int c = 0; c < classes; ++c) {
    SizeClassStats& out = stats.size_classes[c];
    out.size_bytes = layout.size(c);
    out.kind = static_cast<Kind>(KindIndex(layout, c));
    out.active_elements = out.allocations - out.deallocations;
    out.capacity_elements = carved[c];
  }
  for (ThreadCacheKindStats& kind : stats.thread_cache_by_kind) {
    kind.requests = kind.hits + kind.misses;
  }
  for (const ArenaStats& arena : stats.arenas) {
    stats.pinned_bytes += arena.pinned_bytes;
    stats.cached_bytes += arena.cached_bytes;
  }
  stats.thread_cache_bytes = stats.cached_bytes;

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

  const int64_t now = env_.options.clock->NowNanos();
  const SampleTotals samples = env_.sampler.Totals();
  stats.sampled_live_allocations = samples.live;
  stats.missed_samples = env_.sampler.missed();
  stats.internal_fragmentation_bytes = samples.internal_fragmentation_bytes;
  if (samples.live > 0) {
    stats.oldest_allocation_age_seconds =
        1e-9 * std::max<int64_t>(0, now - samples.oldest_nanos);
  }
  if (wanted.chunks) FindOldestSamples(now, &stats.chunks);
  return stats;
}

}  // namespace pool_internal
}  // namespace poolscope
