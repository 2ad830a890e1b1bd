// Thread caches as callers see them: what they hold, when they give it back.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/tests/allocator/pool/both_layouts.h"
#include "poolscope/tests/allocator/pool/event.h"
#include "poolscope/tests/allocator/pool/test_pool.h"

namespace poolscope {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

ThreadCacheStats OnlyCache(TestPool& pool) {
  StatsOptions options;
  options.thread_caches = true;
  const AllocatorStats stats = pool->Stats(options);
  EXPECT_EQ(stats.thread_caches.size(), 1u);
  return stats.thread_caches.empty() ? ThreadCacheStats()
                                     : stats.thread_caches[0];
}

void AllocateAndFree(TestPool& pool, int times, size_t size) {
  for (int i = 0; i < times; ++i) pool->Free(pool->Allocate(size));
}

// A thread that fills its cache, marks itself idle or not, and stays.
class CacheHolder {
 public:
  CacheHolder(TestPool* pool, bool idle)
      : thread_([this, pool, idle] {
          pool->Free(pool->Allocate(100, 1024));
          if (idle) PooledAllocator::MarkThreadIdle();
          ready_.Notify();
          go_on_.Wait();
          // One slow path: a class that this cache never served.
          (*pool)->Free((*pool)->Allocate(48));
          went_on_.Notify();
          leave_.Wait();
        }) {
    ready_.Wait();
  }
  ~CacheHolder() {
    if (!went_) GoOn();
    leave_.Notify();
    thread_.join();
  }
  void GoOn() {
    went_ = true;
    go_on_.Notify();
    went_on_.Wait();
  }

 private:
  bool went_ = false;
  Event ready_;
  Event go_on_;
  Event went_on_;
  Event leave_;
  std::thread thread_;
};

class ThreadCacheTest : public testing::TestWithParam<ChunkLayout> {};
INSTANTIATE_TEST_SUITE_P(Layouts, ThreadCacheTest, BothLayouts(),
                         LayoutTestName);

TEST_P(ThreadCacheTest, AFreedBlockIsTheNextOneHandedOut) {
  TestPool pool(Quiet(GetParam()));
  AllocateAndFree(pool, 10, 256);
  void* block = pool->Allocate(256);
  pool->Free(block);
  EXPECT_EQ(pool->Allocate(200 + 50), block);
  pool->Free(block);
}

TEST_P(ThreadCacheTest, HitsAndMissesAreRequests) {
  TestPool pool(Quiet(GetParam()));
  AllocateAndFree(pool, 1000, 256);
  AllocateAndFree(pool, 1000, 40960);
  const AllocatorStats stats = pool->Stats();
  for (Kind kind : {Kind::kSmall, Kind::kNormal}) {
    const ThreadCacheKindStats& by_kind =
        stats.thread_cache_by_kind[static_cast<int>(kind)];
    EXPECT_EQ(by_kind.requests, 1000u);
    EXPECT_EQ(by_kind.hits + by_kind.misses, 1000u);
    EXPECT_GE(by_kind.hits, 990u);
    EXPECT_GE(by_kind.misses, 1u);
  }
}

TEST_P(ThreadCacheTest, BudgetStartsAtTwoMebibytes) {
  TestPool pool(Quiet(GetParam()));
  AllocateAndFree(pool, 1, 256);
  EXPECT_EQ(OnlyCache(pool).limit_bytes, 2 * kMiB);
  EXPECT_EQ(pool->Stats().thread_cache_limit_bytes, 2 * kMiB);
}

TEST_P(ThreadCacheTest, ABusyThreadsBudgetGrowsToSixteenMebibytesAndNoMore) {
  TestPool pool(Quiet(GetParam()));
  uint64_t largest = 0;
  for (int round = 0; round < 40; ++round) {
    for (size_t size : {14336, 131072, 1 << 20}) {
      pool.Free(pool.Allocate(static_cast<int>(20 * kMiB / size), size));
      const ThreadCacheStats cache = OnlyCache(pool);
      ASSERT_LE(cache.cached_bytes, cache.limit_bytes);
      ASSERT_LE(cache.limit_bytes, 16 * kMiB);
      ASSERT_GE(cache.limit_bytes, 2 * kMiB);
      largest = std::max(largest, cache.limit_bytes);
    }
  }
  EXPECT_EQ(largest, 16 * kMiB);
  EXPECT_GT(pool.evictions(EvictionReason::kFull), 0u);
}

TEST_P(ThreadCacheTest, OwnBudgetsAreKept) {
  PoolOptions options = Quiet(GetParam());
  options.thread_cache_initial_bytes = 10000;
  options.thread_cache_max_bytes = 100000;
  TestPool pool(options);
  for (int round = 0; round < 50; ++round) {
    for (size_t size : {16, 1024, 14336, 65536, 131072}) {
      pool.Free(pool.Allocate(20, size));
      const ThreadCacheStats cache = OnlyCache(pool);
      ASSERT_LE(cache.cached_bytes, cache.limit_bytes);
      ASSERT_LE(cache.limit_bytes, 100000u);
    }
  }
}

TEST_P(ThreadCacheTest, ABudgetOfZeroCachesNothing) {
  PoolOptions options = Quiet(GetParam());
  options.thread_cache_initial_bytes = 0;
  options.thread_cache_max_bytes = 0;
  TestPool pool(options);
  for (size_t size : {16, 1024, 14336, 131072}) {
    for (int i = 0; i < 10; ++i) pool.Free(pool.Allocate(50, size));
  }
  EXPECT_EQ(pool->Stats().cached_bytes, 0u);
  EXPECT_EQ(pool->Stats().pinned_bytes, 0u);
}

TEST_P(ThreadCacheTest, WhatWasNotUsedIn8192RequestsIsGivenBack) {
  TestPool pool(Quiet(GetParam()));
  for (int i = 0; i < 6; ++i) pool.Free(pool.Allocate(200, 1024));
  ASSERT_GT(OnlyCache(pool).cached_bytes, 100u * 1024);
  // The first trim finds all of it used since the start, the next none.
  AllocateAndFree(pool, 8192 - 1200 - 1024, 256);
  EXPECT_EQ(pool.evictions(EvictionReason::kTrim), 0u) << "too early";
  AllocateAndFree(pool, 2 * 8192 + 2048, 256);
  EXPECT_GT(pool.evictions(EvictionReason::kTrim), 0u);
  // What is left is of the class in use.
  EXPECT_LT(OnlyCache(pool).cached_bytes, 32u * 256);
}

TEST_P(ThreadCacheTest, WhatIsUsedSurvivesTheTrim) {
  TestPool pool(Quiet(GetParam()));
  for (int i = 0; i < 1000; ++i) pool.Free(pool.Allocate(100, 1024));
  const uint64_t misses =
      pool->Stats().thread_cache_by_kind[static_cast<int>(Kind::kSmall)].misses;
  for (int i = 0; i < 1000; ++i) pool.Free(pool.Allocate(100, 1024));
  EXPECT_EQ(
      pool->Stats().thread_cache_by_kind[static_cast<int>(Kind::kSmall)].misses,
      misses);
  EXPECT_EQ(pool.evictions(EvictionReason::kTrim), 0u);
}

TEST_P(ThreadCacheTest, ATrimIntervalOfZeroNeverTrims) {
  PoolOptions options = Quiet(GetParam());
  options.thread_cache_trim_interval = 0;
  TestPool pool(options);
  pool.Free(pool.Allocate(200, 1024));
  const uint64_t before = OnlyCache(pool).cached_bytes;
  AllocateAndFree(pool, 100000, 256);
  EXPECT_EQ(pool.evictions(EvictionReason::kTrim), 0u);
  EXPECT_GE(OnlyCache(pool).cached_bytes, before);
}

TEST_P(ThreadCacheTest, AnIdleCacheIsEmptiedAfterTenSecondsAndNotBefore) {
  TestPool pool(Quiet(GetParam()));
  CacheHolder holder(&pool, /*idle=*/true);
  EXPECT_TRUE(OnlyCache(pool).idle);
  pool->Maintain();  // sees how far its requests have come
  pool.clock.Advance(absl::Seconds(10) - absl::Nanoseconds(1));
  EXPECT_EQ(pool->Maintain().caches_emptied, 0u);
  EXPECT_GT(pool->Stats().cached_bytes, 0u);
  pool.clock.Advance(absl::Nanoseconds(1));
  EXPECT_EQ(pool->Maintain().caches_emptied, 1u);
  EXPECT_EQ(pool->Stats().cached_bytes, 0u);
  EXPECT_GT(pool.evictions(EvictionReason::kIdle), 0u);
  EXPECT_EQ(pool->Maintain().caches_emptied, 0u) << "there is nothing left";
}

TEST_P(ThreadCacheTest, AnActiveCacheIsEmptiedAtItsOwnersNextSlowPath) {
  TestPool pool(Quiet(GetParam()));
  CacheHolder holder(&pool, /*idle=*/false);
  pool->Maintain();
  const uint64_t before = pool->Stats().cached_bytes;
  pool.clock.Advance(absl::Seconds(10));
  EXPECT_EQ(pool->Maintain().caches_emptied, 0u);
  EXPECT_EQ(pool->Stats().cached_bytes, before) << "only its owner may";
  holder.GoOn();
  EXPECT_LT(pool->Stats().cached_bytes, 20u * 48);
}

TEST_P(ThreadCacheTest, ACacheThatServesIsNotIdle) {
  TestPool pool(Quiet(GetParam()));
  AllocateAndFree(pool, 10, 1024);
  for (int i = 0; i < 10; ++i) {
    pool->Maintain();
    pool.clock.Advance(absl::Seconds(9));
    AllocateAndFree(pool, 1, 1024);
  }
  pool->Maintain();
  pool->Free(pool->Allocate(48));  // a slow path
  EXPECT_GE(OnlyCache(pool).cached_bytes, 1024u);
  EXPECT_EQ(pool.evictions(EvictionReason::kReclaim), 0u);
  EXPECT_EQ(pool.evictions(EvictionReason::kIdle), 0u);
}

TEST_P(ThreadCacheTest, TrimEmptiesTheIdleCacheOfAnotherThread) {
  TestPool pool(Quiet(GetParam()));
  CacheHolder holder(&pool, /*idle=*/true);
  ASSERT_GT(pool->Stats().cached_bytes, 0u);
  const TrimResult result = pool->Trim();
  EXPECT_EQ(result.caches_emptied, 1u);
  EXPECT_EQ(result.chunks_unmapped, 1u);
  EXPECT_EQ(pool->Stats().cached_bytes, 0u);
  EXPECT_EQ(pool->Stats().arenas[0].used_bytes, 0u);
  EXPECT_GT(pool.evictions(EvictionReason::kReclaim), 0u);
}

TEST_P(ThreadCacheTest, TrimAsksTheActiveCacheOfAnotherThread) {
  TestPool pool(Quiet(GetParam()));
  CacheHolder holder(&pool, /*idle=*/false);
  const uint64_t before = pool->Stats().cached_bytes;
  EXPECT_EQ(pool->Trim().caches_emptied, 0u);
  EXPECT_EQ(pool->Stats().cached_bytes, before);
  holder.GoOn();
  EXPECT_LT(pool->Stats().cached_bytes, 20u * 48);
}

TEST_P(ThreadCacheTest, TrimEmptiesTheOwnCache) {
  TestPool pool(Quiet(GetParam()));
  pool.Free(pool.Allocate(100, 1024));
  EXPECT_EQ(pool->Trim().caches_emptied, 1u);
  EXPECT_EQ(pool->Stats().cached_bytes, 0u);
  EXPECT_EQ(OnlyCache(pool).limit_bytes, 2 * kMiB);
}

TEST_P(ThreadCacheTest, TheNextRequestEndsIdleness) {
  TestPool pool(Quiet(GetParam()));
  AllocateAndFree(pool, 100, 1024);
  EXPECT_FALSE(OnlyCache(pool).idle);
  PooledAllocator::MarkThreadIdle();
  EXPECT_TRUE(OnlyCache(pool).idle);
  PooledAllocator::MarkThreadIdle();
  EXPECT_TRUE(OnlyCache(pool).idle);
  void* block = pool->Allocate(1024);
  EXPECT_FALSE(OnlyCache(pool).idle);
  PooledAllocator::MarkThreadIdle();
  pool->Free(block);
  EXPECT_FALSE(OnlyCache(pool).idle);
}

TEST_P(ThreadCacheTest, MarkingIdleWithoutAnyCacheIsNothing) {
  std::thread([] { PooledAllocator::MarkThreadIdle(); }).join();
}

TEST_P(ThreadCacheTest, AThreadsEndGivesEverythingBack) {
  TestPool pool(Quiet(GetParam()));
  std::thread([&] { pool.Free(pool.Allocate(100, 1024)); }).join();
  const AllocatorStats stats = pool->Stats();
  EXPECT_EQ(stats.cached_bytes, 0u);
  EXPECT_EQ(stats.thread_cache_count, 0u);
  EXPECT_EQ(stats.thread_cache_limit_bytes, 0u);
  EXPECT_EQ(stats.arenas[0].used_bytes, 0u);
  EXPECT_GT(pool.evictions(EvictionReason::kThreadExit), 0u);
  EXPECT_EQ(pool.counts(Kind::kSmall).allocations, 100u);
  EXPECT_EQ(pool.counts(Kind::kSmall).deallocations, 100u);
}

TEST_P(ThreadCacheTest, ACacheOfAnEndedThreadServesTheNextOne) {
  TestPool pool(Quiet(GetParam()));
  AllocateAndFree(pool, 1, 16);
  std::thread([&] { AllocateAndFree(pool, 10, 1024); }).join();
  const uint64_t metadata = pool->Stats().metadata_bytes;
  for (int i = 0; i < 50; ++i) {
    std::thread([&] { AllocateAndFree(pool, 10, 1024); }).join();
  }
  EXPECT_EQ(pool->Stats().metadata_bytes, metadata);
  EXPECT_EQ(pool.counts(Kind::kSmall).allocations, 511u);
}

TEST_P(ThreadCacheTest, SwitchedOffItHoldsNothing) {
  TestPool pool(Quiet(GetParam()));
  pool.Free(pool.Allocate(100, 1024));
  ASSERT_GT(pool->Stats().cached_bytes, 0u);
  pool->SetThreadCacheEnabled(false);
  EXPECT_EQ(pool->Stats().cached_bytes, 0u);
  EXPECT_EQ(pool->Stats().thread_cache_count, 0u);
  const AllocatorStats before = pool->Stats();
  std::vector<void*> blocks = pool.Allocate(100, 1024);
  void* normal = pool->Allocate(100000);
  const AllocatorStats after = pool->Stats();
  EXPECT_EQ(after.thread_cache_by_kind[0].requests,
            before.thread_cache_by_kind[0].requests);
  pool.Free(blocks);
  pool->Free(normal);
  EXPECT_EQ(pool->Stats().cached_bytes, 0u);
  EXPECT_EQ(pool->Stats().pinned_bytes, 0u);
  EXPECT_EQ(pool.counts(Kind::kSmall).allocations, 200u);
  EXPECT_EQ(pool.counts(Kind::kSmall).deallocations, 200u);
}

TEST_P(ThreadCacheTest, BlocksOutliveSwitchingOffAndOn) {
  TestPool pool(Quiet(GetParam()));
  const std::vector<void*> cached = pool.Allocate(100, 1024);
  pool->SetThreadCacheEnabled(false);
  const std::vector<void*> direct = pool.Allocate(100, 1024);
  pool.Free(cached);
  pool->SetThreadCacheEnabled(true);
  pool.Free(direct);
  EXPECT_EQ(pool->Stats().pinned_bytes, 0u);
  AllocateAndFree(pool, 100, 1024);
  EXPECT_GT(pool->Stats().cached_bytes, 0u);
  EXPECT_EQ(pool->Stats().thread_cache_count, 1u);
}

TEST_P(ThreadCacheTest, SwitchingOffConcernsTheCallingThreadAlone) {
  TestPool pool(Quiet(GetParam()));
  pool->SetThreadCacheEnabled(false);
  CacheHolder holder(&pool, /*idle=*/false);
  EXPECT_GT(pool->Stats().cached_bytes, 0u);
  EXPECT_EQ(pool->Stats().thread_cache_count, 1u);
}

TEST_P(ThreadCacheTest, AnAllocatorWithoutCachesCannotSwitchThemOn) {
  TestPool pool(QuietWithoutCaches(GetParam()));
  pool->SetThreadCacheEnabled(true);
  pool.Free(pool.Allocate(100, 1024));
  EXPECT_EQ(pool->Stats().cached_bytes, 0u);
  EXPECT_EQ(pool->Stats().thread_cache_count, 0u);
}

class RemoteFreeTest : public testing::TestWithParam<ChunkLayout> {};
INSTANTIATE_TEST_SUITE_P(Layouts, RemoteFreeTest, BothLayouts(),
                         LayoutTestName);

// A slab of 16-byte blocks is one page of 512.
TEST_P(RemoteFreeTest, BlocksFreedElsewhereComeBackToTheirOwner) {
  TestPool pool(Quiet(GetParam()));
  const std::vector<void*> blocks = pool.Allocate(512, 16);
  std::thread([&] { pool.Free(blocks); }).join();
  EXPECT_EQ(pool->Stats().remote_frees, 512u);
  EXPECT_EQ(pool->Stats().pinned_bytes, 0u);
  EXPECT_EQ(pool->Stats().cached_bytes, 512u * 16) << "on their way";
  const std::vector<void*> again = pool.Allocate(512, 16);
  EXPECT_EQ(std::set<void*>(again.begin(), again.end()),
            std::set<void*>(blocks.begin(), blocks.end()));
  EXPECT_EQ(pool->Stats().size_classes[0].capacity_elements, 512u);
  EXPECT_EQ(pool->Stats().cached_bytes, 0u);
  pool.Free(again);
}

TEST_P(RemoteFreeTest, LargeBlocksComeBackToo) {
  TestPool pool(Quiet(GetParam()));
  // So that the magazine of this class has room.
  for (int i = 0; i < 3; ++i) pool.Free(pool.Allocate(4, 14336));
  const std::vector<void*> blocks = pool.Allocate(4, 14336);
  std::thread([&] { pool.Free(blocks); }).join();
  EXPECT_EQ(pool->Stats().remote_frees, 4u);
  const std::vector<void*> again = pool.Allocate(4, 14336);
  EXPECT_EQ(std::set<void*>(again.begin(), again.end()),
            std::set<void*>(blocks.begin(), blocks.end()));
  pool.Free(again);
}

TEST_P(RemoteFreeTest, AFewFreesWaitUntilTheFreeingThreadGoesIdle) {
  TestPool pool(Quiet(GetParam()));
  const std::vector<void*> blocks = pool.Allocate(512, 16);
  Event freed;
  Event leave;
  std::thread other([&] {
    pool.Free(blocks);
    PooledAllocator::MarkThreadIdle();
    freed.Notify();
    leave.Wait();
  });
  freed.Wait();
  const std::vector<void*> again = pool.Allocate(512, 16);
  EXPECT_EQ(pool->Stats().size_classes[0].capacity_elements, 512u);
  leave.Notify();
  other.join();
  pool.Free(again);
}

TEST_P(RemoteFreeTest, ATrimSendsAFewFreesOnTheirWay) {
  TestPool pool(Quiet(GetParam()));
  std::vector<void*> blocks;
  Event allocated;
  Event freed;
  Event home;
  Event leave;
  std::thread owner([&] {
    blocks = pool.Allocate(5, 16);
    allocated.Notify();
    freed.Wait();
    PooledAllocator::MarkThreadIdle();  // takes them up
    home.Notify();
    leave.Wait();
  });
  allocated.Wait();
  pool->Free(pool->Allocate(16));  // so that this thread has a cache
  pool.Free(blocks);
  pool->Trim();
  freed.Notify();
  home.Wait();
  pool->Trim();
  EXPECT_EQ(pool->Stats().cached_bytes, 0u);
  EXPECT_EQ(pool->Stats().direct_used_bytes, 0u);
  leave.Notify();
  owner.join();
}

TEST_P(RemoteFreeTest, BlocksOfAnEndedThreadGoBackToItsArena) {
  TestPool pool(Quiet(GetParam()));
  std::vector<void*> blocks;
  std::thread([&] { blocks = pool.Allocate(600, 16); }).join();
  EXPECT_EQ(pool->Stats().pinned_bytes, 600u * 16);
  pool.Free(blocks);
  EXPECT_EQ(pool->Stats().pinned_bytes, 0u);
  EXPECT_EQ(pool->Stats().arenas[0].used_bytes, 0u);
}

TEST_P(RemoteFreeTest, AnOrphanedSlabIsAdopted) {
  TestPool pool(Quiet(GetParam()));
  void* left = nullptr;
  std::thread([&] { left = pool->Allocate(16); }).join();
  const std::vector<void*> rest = pool.Allocate(511, 16);
  EXPECT_EQ(pool->Stats().size_classes[0].capacity_elements, 512u);
  pool->Free(left);
  EXPECT_EQ(pool->Allocate(16), left) << "now a block of this thread's";
  pool->Free(left);
  pool.Free(rest);
}

TEST_P(RemoteFreeTest, MixedSizesAndOwnersBalance) {
  PoolOptions options = Quiet(GetParam());
  options.arenas = 2;
  TestPool pool(options);
  std::vector<void*> blocks;
  for (int t = 0; t < 4; ++t) {
    std::thread([&] {
      for (size_t size : {16, 100, 1024, 9000, 14336, 100000, 5 << 20}) {
        for (void* block : pool.Allocate(7, size)) blocks.push_back(block);
      }
    }).join();
  }
  std::thread([&] { pool.Free(blocks); }).join();
  pool->Trim();  // what was left for any thread
  const AllocatorStats stats = pool->Stats();
  for (const ArenaStats& arena : stats.arenas) {
    EXPECT_EQ(arena.pinned_bytes, 0u);
    EXPECT_EQ(arena.cached_bytes, 0u);
    EXPECT_EQ(arena.used_bytes, 0u);
    EXPECT_EQ(arena.allocated_bytes, arena.freed_bytes);
  }
}

}  // namespace
}  // namespace poolscope
