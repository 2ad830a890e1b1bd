// One thread, many allocators, of one layout and of both.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/allocator/pool/memory_source.h"
#include "poolscope/allocator/pool/pool_options.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/tests/allocator/pool/both_layouts.h"
#include "poolscope/tests/allocator/pool/event.h"
#include "poolscope/tests/allocator/pool/fake_memory_source.h"
#include "poolscope/tests/allocator/pool/test_pool.h"

namespace poolscope {
namespace {

class SeveralAllocatorsTest : public testing::TestWithParam<ChunkLayout> {};
INSTANTIATE_TEST_SUITE_P(Layouts, SeveralAllocatorsTest, BothLayouts(),
                         LayoutTestName);

TEST_P(SeveralAllocatorsTest, TwoTakingTurnsBothHitTheirCaches) {
  TestPool one(Quiet(GetParam()));
  TestPool two;
  for (int i = 0; i < 10000; ++i) {
    void* a = one->Allocate(256);
    void* b = two->Allocate(256);
    ASSERT_NE(a, b);
    one->Free(a);
    two->Free(b);
  }
  for (TestPool* pool : {&one, &two}) {
    const AllocatorStats stats = (*pool)->Stats();
    EXPECT_EQ(stats.thread_cache_by_kind[0].requests, 10000u);
    EXPECT_GE(stats.thread_cache_by_kind[0].hits, 9990u);
    EXPECT_EQ(stats.thread_cache_count, 1u);
    EXPECT_EQ(stats.pinned_bytes, 0u);
    EXPECT_EQ(stats.requested_bytes, 10000u * 256);
  }
}

TEST_P(SeveralAllocatorsTest, FreeBlockFindsTheRightOne) {
  TestPool one(Quiet(GetParam()));
  TestPool two;
  std::vector<void*> blocks;
  for (int i = 0; i < 100; ++i) {
    blocks.push_back(one->Allocate(100));
    blocks.push_back(two->Allocate(100));
  }
  for (void* block : blocks) PooledAllocator::FreeBlock(block);
  EXPECT_EQ(one.counts(Kind::kSmall).deallocations, 100u);
  EXPECT_EQ(two.counts(Kind::kSmall).deallocations, 100u);
}

TEST_P(SeveralAllocatorsTest, AThreadKeepsCachesForEightAllocators) {
  std::vector<std::unique_ptr<TestPool>> pools;
  for (int i = 0; i < 20; ++i) {
    pools.push_back(std::make_unique<TestPool>(
        Quiet(i % 3 == 0 ? ChunkLayout::kRuns : GetParam())));
  }
  std::vector<std::vector<void*>> held(pools.size());
  for (int round = 0; round < 50; ++round) {
    for (size_t i = 0; i < pools.size(); ++i) {
      held[i].push_back((*pools[i])->Allocate(100 + i));
      (*pools[i])->Free((*pools[i])->Allocate(4000));
    }
  }
  uint64_t caches = 0;
  for (size_t i = 0; i < pools.size(); ++i) {
    const AllocatorStats stats = (*pools[i])->Stats();
    caches += stats.thread_cache_count;
    EXPECT_EQ(pools[i]->counts(Kind::kSmall).active, 50u);
    EXPECT_EQ(pools[i]->counts(Kind::kSmall).allocations, 100u);
  }
  EXPECT_EQ(caches, 8u);
  for (size_t i = 0; i < pools.size(); ++i) pools[i]->Free(held[i]);
  for (auto& pool : pools) EXPECT_EQ((*pool)->Stats().pinned_bytes, 0u);
}

TEST_P(SeveralAllocatorsTest, TheCacheBoundFirstMakesWayForTheNinth) {
  std::vector<std::unique_ptr<TestPool>> pools;
  for (int i = 0; i < 9; ++i) {
    pools.push_back(std::make_unique<TestPool>(Quiet(GetParam())));
    (*pools[i])->Free((*pools[i])->Allocate(100));
    for (int j = 0; j <= i; ++j) {
      EXPECT_EQ((*pools[j])->Stats().thread_cache_count, i < 8 || j > 0)
          << j << " of " << i;
    }
  }
}

TEST_P(SeveralAllocatorsTest, BindingAnotherEndsOneThatWasDestroyed) {
  FakeMemorySource source;
  PoolOptions options = Quiet(GetParam());
  options.memory_source = &source;
  std::unique_ptr<PooledAllocator> first = *PooledAllocator::Create(options);
  TestPool second(Quiet(GetParam()));
  Event bound;
  Event destroyed;
  std::thread user([&] {
    first->Free(first->Allocate(100));
    bound.Notify();
    destroyed.Wait();
    second->Free(second->Allocate(100));
    EXPECT_EQ(source.live_bytes(MemorySource::Use::kMetadata), 0);
  });
  bound.Wait();
  first.reset();
  EXPECT_GT(source.live_bytes(MemorySource::Use::kMetadata), 0)
      << "the thread is still attached";
  destroyed.Notify();
  user.join();
}

TEST_P(SeveralAllocatorsTest, MarkingIdleConcernsAllOfThem) {
  TestPool one(Quiet(GetParam()));
  TestPool two;
  one.Free(one.Allocate(100, 1024));
  two.Free(two.Allocate(100, 1024));
  PooledAllocator::MarkThreadIdle();
  std::thread([&] {
    EXPECT_EQ(one->Trim().caches_emptied, 1u);
    EXPECT_EQ(two->Trim().caches_emptied, 1u);
  }).join();
}

TEST_P(SeveralAllocatorsTest, SwitchingCachesOffConcernsOne) {
  TestPool one(Quiet(GetParam()));
  TestPool two;
  one->SetThreadCacheEnabled(false);
  one.Free(one.Allocate(100, 1024));
  two.Free(two.Allocate(100, 1024));
  one.Free(one.Allocate(100, 1024));
  EXPECT_EQ(one->Stats().cached_bytes, 0u);
  EXPECT_GT(two->Stats().cached_bytes, 0u);
}

TEST_P(SeveralAllocatorsTest, ANewAllocatorNeverMeetsTheCacheOfAnOldOne) {
  for (int i = 0; i < 50; ++i) {
    PoolOptions options = Quiet(GetParam());
    options.name = "round" + std::to_string(i);
    TestPool pool(options);
    pool.Free(pool.Allocate(20, 1024));
    EXPECT_EQ(pool->Stats().thread_cache_by_kind[0].requests, 20u);
    EXPECT_EQ(pool->Stats().name, options.name);
  }
}

}  // namespace
}  // namespace poolscope
