// AllocatorStats against a model: one thread, random sizes, every figure that
// can be known exactly is, after every step.
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/allocator/pool/memory_source.h"
#include "poolscope/allocator/pool/pool_options.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/tests/allocator/pool/both_layouts.h"
#include "poolscope/tests/allocator/pool/test_pool.h"

namespace poolscope {
namespace {

constexpr size_t kChunk = 4 << 20;

struct Model {
  uint64_t small_end = 0;  // the first size that is no small one
  std::array<KindCounts, kKindCount> by_kind;
  std::map<uint64_t, KindCounts> by_class;
  uint64_t requested = 0;
  uint64_t allocated = 0;
  uint64_t freed = 0;
  uint64_t huge = 0;
  uint64_t pinned = 0;

  Kind KindOf(uint64_t usable) const {
    if (usable > kChunk) return Kind::kHuge;
    return usable < small_end ? Kind::kSmall : Kind::kNormal;
  }
  void Allocate(uint64_t size, uint64_t usable) {
    const Kind kind = KindOf(usable);
    ++by_kind[static_cast<int>(kind)].allocations;
    ++by_kind[static_cast<int>(kind)].active;
    requested += size;
    allocated += usable;
    if (kind == Kind::kHuge) {
      huge += usable;
    } else {
      pinned += usable;
      ++by_class[usable].allocations;
      ++by_class[usable].active;
    }
  }
  void Free(uint64_t usable) {
    const Kind kind = KindOf(usable);
    ++by_kind[static_cast<int>(kind)].deallocations;
    --by_kind[static_cast<int>(kind)].active;
    freed += usable;
    if (kind == Kind::kHuge) {
      huge -= usable;
    } else {
      pinned -= usable;
      ++by_class[usable].deallocations;
      --by_class[usable].active;
    }
  }
};

void ExpectEqual(const KindCounts& got, const KindCounts& wanted,
                 const std::string& what) {
  ASSERT_EQ(got.allocations, wanted.allocations) << what;
  ASSERT_EQ(got.deallocations, wanted.deallocations) << what;
  ASSERT_EQ(got.active, wanted.active) << what;
}

// What holds in any snapshot, without a model.
void ExpectIdentities(const AllocatorStats& stats) {
  uint64_t reserved = 0;
  uint64_t pinned = 0;
  uint64_t cached = 0;
  uint64_t chunks = 0;
  for (const ArenaStats& arena : stats.arenas) {
    for (const KindCounts& kind : arena.by_kind) {
      ASSERT_EQ(kind.allocations - kind.deallocations, kind.active);
    }
    uint64_t in_lists = 0;
    uint64_t free_in_lists = 0;
    for (const ChunkListStats& list : arena.lists) {
      in_lists += list.chunks;
      free_in_lists += list.free_bytes;
      ASSERT_LE(list.free_bytes, list.chunks * stats.chunk_size_bytes);
    }
    ASSERT_EQ(in_lists, arena.chunk_allocations - arena.chunk_deallocations);
    ASSERT_EQ(arena.used_bytes + free_in_lists, arena.reserved_bytes);
    ASSERT_EQ(in_lists * stats.chunk_size_bytes, arena.reserved_bytes);
    ASSERT_GE(arena.peak_used_bytes, arena.used_bytes);
    ASSERT_LE(arena.pinned_bytes + arena.cached_bytes, arena.used_bytes);
    ASSERT_LE(arena.external_fragmentation_bytes, free_in_lists);
    reserved += arena.reserved_bytes;
    pinned += arena.pinned_bytes;
    cached += arena.cached_bytes;
    chunks += in_lists;
  }
  ASSERT_EQ(pinned, stats.pinned_bytes);
  ASSERT_EQ(cached, stats.cached_bytes);
  ASSERT_EQ(stats.thread_cache_bytes, stats.cached_bytes);
  ASSERT_EQ(reserved + stats.huge_used_bytes, stats.direct_used_bytes);
  ASSERT_LE(stats.direct_used_bytes, stats.direct_peak_bytes);
  ASSERT_LE(stats.direct_peak_bytes, stats.direct_limit_bytes);
  uint64_t by_utilization = 0;
  for (uint64_t n : stats.chunks_by_utilization) by_utilization += n;
  ASSERT_EQ(by_utilization, chunks);
  for (const ThreadCacheKindStats& kind : stats.thread_cache_by_kind) {
    ASSERT_EQ(kind.requests, kind.hits + kind.misses);
  }
  for (const SizeClassStats& c : stats.size_classes) {
    ASSERT_EQ(c.active_elements, c.allocations - c.deallocations);
    ASSERT_LE(c.active_elements, c.capacity_elements) << c.size_bytes;
  }
}

// Per chunk, in an allocator where nothing else runs.
void ExpectChunksAddUp(const AllocatorStats& stats) {
  uint64_t used = 0;
  uint64_t free = 0;
  uint64_t pinned = 0;
  uint64_t cached = 0;
  std::array<uint64_t, kChunkListCount> in_list{};
  std::array<uint64_t, 7> utilization{};
  for (const ChunkStats& chunk : stats.chunks) {
    ASSERT_EQ(chunk.used_bytes + chunk.free_bytes, chunk.size_bytes);
    ASSERT_LE(chunk.pinned_bytes + chunk.cached_bytes, chunk.used_bytes);
    used += chunk.used_bytes;
    free += chunk.free_bytes;
    pinned += chunk.pinned_bytes;
    cached += chunk.cached_bytes;
    ++in_list[static_cast<int>(chunk.list)];
    const int percent = chunk.usage_percent;
    ++utilization[percent == 0    ? 0
                  : percent <= 5  ? 1
                  : percent <= 25 ? 2
                  : percent <= 50 ? 3
                  : percent <= 75 ? 4
                  : percent < 100 ? 5
                                  : 6];
  }
  ASSERT_EQ(pinned, stats.pinned_bytes);
  ASSERT_EQ(cached, stats.cached_bytes);
  uint64_t arena_used = 0;
  for (const ArenaStats& arena : stats.arenas) arena_used += arena.used_bytes;
  ASSERT_EQ(used, arena_used);
  for (int i = 0; i < kChunkListCount; ++i) {
    uint64_t chunks = 0;
    for (const ArenaStats& arena : stats.arenas) {
      chunks += arena.lists[i].chunks;
    }
    ASSERT_EQ(in_list[i], chunks);
  }
  ASSERT_EQ(utilization, stats.chunks_by_utilization);
}

struct TraceOptions {
  const char* name;
  bool caches;
  bool sampling;
};

class StatsTraceTest : public TestOverLayoutsAnd<TraceOptions> {};

INSTANTIATE_TEST_SUITE_P(
    Options, StatsTraceTest,
    testing::Combine(BothLayouts(),
                     testing::Values(TraceOptions{"Caches", true, false},
                                     TraceOptions{"NoCaches", false, false},
                                     TraceOptions{"CachesAndSampling", true,
                                                  true})),
    StatsTraceTest::Name);

TEST_P(StatsTraceTest, EveryStepAgreesWithTheModel) {
  for (uint32_t seed = 0; seed < 4; ++seed) {
    PoolOptions options = Quiet(layout());
    options.use_thread_caches = param().caches;
    options.sampling = param().sampling;
    options.sample_interval_bytes = 20000;
    TestPool pool(options);
    std::mt19937 random(seed);
    Model model;
    model.small_end = layout() == ChunkLayout::kRuns ? 32768 : 8192;
    struct Block {
      void* at;
      uint64_t usable;
    };
    std::vector<Block> live;
    uint64_t snapshot = 0;
    for (int step = 0; step < 2500; ++step) {
      const uint32_t action = random() % 100;
      if (action < 50 && model.pinned + model.huge < (150u << 20)) {
        const size_t size = random() % 200 == 0
                                ? kChunk + random() % kChunk
                                : random() % (1u << (2 + random() % 20));
        const size_t alignment =
            random() % 8 == 0 ? size_t{16} << random() % 12 : 16;
        void* at = pool->Allocate(size, alignment);
        ASSERT_NE(at, nullptr) << PooledAllocator::LastRefusal();
        live.push_back({at, PooledAllocator::UsableSize(at)});
        model.Allocate(size, live.back().usable);
      } else if (action < 97) {
        if (live.empty()) continue;
        const size_t victim = random() % live.size();
        pool->Free(live[victim].at);
        model.Free(live[victim].usable);
        live[victim] = live.back();
        live.pop_back();
      } else if (action == 97) {
        pool.clock.Advance(absl::Seconds(3));
        pool->Maintain();
      } else if (action == 98) {
        PooledAllocator::MarkThreadIdle();
      } else if (step % 3 == 0) {
        pool->Trim();
        ASSERT_EQ(pool->Stats().cached_bytes, 0u);
      }

      StatsOptions with_chunks;
      with_chunks.chunks = step % 16 == 0;
      const AllocatorStats stats = pool->Stats(with_chunks);
      ASSERT_GT(stats.snapshot_id, snapshot);
      snapshot = stats.snapshot_id;
      ASSERT_NO_FATAL_FAILURE(ExpectIdentities(stats)) << "step " << step;
      for (int k = 0; k < kKindCount; ++k) {
        ASSERT_NO_FATAL_FAILURE(ExpectEqual(stats.arenas[0].by_kind[k],
                                            model.by_kind[k],
                                            KindName(static_cast<Kind>(k))));
      }
      ASSERT_EQ(stats.requested_bytes, model.requested) << "step " << step;
      ASSERT_EQ(stats.pinned_bytes, model.pinned) << "step " << step;
      ASSERT_EQ(stats.huge_used_bytes, model.huge) << "step " << step;
      ASSERT_EQ(stats.direct_peak_bytes,
                pool.source.peak_bytes(MemorySource::Use::kBlocks));
      ASSERT_EQ(stats.arenas[0].allocated_bytes, model.allocated);
      ASSERT_EQ(stats.arenas[0].freed_bytes, model.freed);
      for (const SizeClassStats& c : stats.size_classes) {
        const auto found = model.by_class.find(c.size_bytes);
        const KindCounts wanted =
            found == model.by_class.end() ? KindCounts() : found->second;
        ASSERT_EQ(c.allocations, wanted.allocations) << c.size_bytes;
        ASSERT_EQ(c.deallocations, wanted.deallocations) << c.size_bytes;
      }
      if (param().caches) {
        uint64_t requests = 0;
        for (const ThreadCacheKindStats& kind : stats.thread_cache_by_kind) {
          requests += kind.requests;
        }
        // Aligned beyond a page, a block comes from the arena alone.
        ASSERT_LE(requests,
                  model.by_kind[0].allocations + model.by_kind[1].allocations);
      } else {
        ASSERT_EQ(stats.cached_bytes, 0u);
      }
      if (with_chunks.chunks) {
        ASSERT_NO_FATAL_FAILURE(ExpectChunksAddUp(stats)) << "step " << step;
        ASSERT_TRUE(pool->CheckInvariants().ok()) << pool->CheckInvariants();
      } else {
        ASSERT_TRUE(stats.chunks.empty());
      }
      ASSERT_TRUE(stats.thread_caches.empty());
    }
    for (const Block& block : live) pool->Free(block.at);
    pool->Trim();
    const AllocatorStats stats = pool->Stats();
    EXPECT_EQ(stats.direct_used_bytes, 0u);
    EXPECT_EQ(stats.pinned_bytes, 0u);
    EXPECT_EQ(stats.sampled_live_allocations, 0u);
  }
}

}  // namespace
}  // namespace poolscope
