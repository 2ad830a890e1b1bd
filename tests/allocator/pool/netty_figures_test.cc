// What Netty's own tests hold its pooled allocator to, asked of this one.
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/tests/allocator/pool/event.h"
#include "poolscope/tests/allocator/pool/test_pool.h"

namespace poolscope {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

TEST(NettyFiguresTest, CountsASmallAndANormalBlockWithoutCaches) {
  TestPool pool(QuietWithoutCaches());
  void* small = pool->Allocate(800);
  void* normal = pool->Allocate(40960);
  EXPECT_EQ(pool.counts(Kind::kSmall).active, 1u);
  EXPECT_EQ(pool.counts(Kind::kNormal).active, 1u);
  pool->Free(small);
  pool->Free(normal);
  for (Kind kind : {Kind::kSmall, Kind::kNormal}) {
    EXPECT_EQ(pool.counts(kind).allocations, 1u);
    EXPECT_EQ(pool.counts(kind).deallocations, 1u);
    EXPECT_EQ(pool.counts(kind).active, 0u);
  }
  EXPECT_EQ(pool.counts(Kind::kHuge).allocations, 0u);
  EXPECT_EQ(pool.chunk_allocations(), 1u);
  EXPECT_EQ(pool.chunk_deallocations(), 0u);
}

TEST(NettyFiguresTest, ReportsTheBoundsOfItsLists) {
  TestPool pool;
  const struct {
    const char* name;
    int min;
    int max;
  } kExpected[] = {{"qinit", 1, 25},  {"q000", 1, 50},   {"q025", 25, 75},
                   {"q050", 50, 100}, {"q075", 75, 100}, {"q100", 100, 100}};
  const AllocatorStats stats = pool->Stats();
  for (int i = 0; i < kChunkListCount; ++i) {
    const ChunkListStats& list = stats.arenas[0].lists[i];
    EXPECT_STREQ(ChunkListName(list.list), kExpected[i].name);
    EXPECT_EQ(list.min_usage_percent, kExpected[i].min);
    EXPECT_EQ(list.max_usage_percent, kExpected[i].max);
  }
}

TEST(NettyFiguresTest, AChunkSizedBlockFillsQ100AndLeavesAllListsEmpty) {
  PoolOptions options = QuietWithoutCaches();
  options.max_order = 11;
  options.empty_chunk_decay = absl::ZeroDuration();
  TestPool pool(options);
  void* block = pool->Allocate(16 * kMiB);
  for (int i = 0; i < kChunkListCount; ++i) {
    const ChunkListId id = static_cast<ChunkListId>(i);
    EXPECT_EQ(pool.chunks_in(id), id == ChunkListId::kQ100 ? 1u : 0u);
  }
  pool->Free(block);
  for (int i = 0; i < kChunkListCount; ++i) {
    EXPECT_EQ(pool.chunks_in(static_cast<ChunkListId>(i)), 0u);
  }
  EXPECT_EQ(pool.chunk_deallocations(), 1u);
}

TEST(NettyFiguresTest, UsedMemoryIsWholeChunks) {
  for (bool caches : {false, true}) {
    PoolOptions options = Quiet();
    options.use_thread_caches = caches;
    options.max_order = 11;
    TestPool pool(options);
    EXPECT_EQ(pool->Stats().direct_used_bytes, 0u);
    void* block = pool->Allocate(256);
    EXPECT_EQ(pool->Stats().direct_used_bytes, 16 * kMiB);
    pool->Free(block);
    EXPECT_EQ(pool->Stats().direct_used_bytes, 16 * kMiB);
  }
}

TEST(NettyFiguresTest, UsedMemoryOfAHugeBlockIsItsSize) {
  PoolOptions options = Quiet();
  options.max_order = 11;
  TestPool pool(options);
  void* block = pool->Allocate(32 * kMiB);
  EXPECT_EQ(pool->Stats().direct_used_bytes, 33554432u);
  EXPECT_EQ(pool->Stats().huge_used_bytes, 33554432u);
  pool->Free(block);
  EXPECT_EQ(pool->Stats().direct_used_bytes, 0u);
}

TEST(NettyFiguresTest, PinnedLiesBetweenCapacitiesAndUsedRuns) {
  for (bool caches : {false, true}) {
    PoolOptions options = Quiet();
    options.use_thread_caches = caches;
    TestPool pool(options);
    std::vector<void*> blocks;
    uint64_t capacities = 0;
    for (size_t size : {1, 100, 512, 1025, 8192, 40000, 1 << 20, 4 << 20}) {
      blocks.push_back(pool->Allocate(size));
      capacities += size;
      const AllocatorStats stats = pool->Stats();
      uint64_t used = 0;
      for (const ArenaStats& arena : stats.arenas) used += arena.used_bytes;
      EXPECT_LE(capacities, stats.pinned_bytes);
      EXPECT_LE(stats.pinned_bytes, used);
    }
    pool.Free(blocks);
    EXPECT_EQ(pool->Stats().pinned_bytes, 0u);
    if (caches) {
      EXPECT_GT(pool->Stats().cached_bytes, 0u);
    }
  }
}

TEST(NettyFiguresTest, ANewThreadTakesTheArenaThatAnotherLeft) {
  PoolOptions options = Quiet();
  options.arenas = 2;
  TestPool pool(options);
  const auto threads_in = [&](int arena) {
    return pool->Stats().arenas[arena].thread_caches;
  };
  struct User {
    explicit User(PooledAllocator* allocator)
        : thread([this, allocator] {
            allocator->Free(allocator->Allocate(100));
            attached.Notify();
            leave.Wait();
          }) {
      attached.Wait();
    }
    void End() {
      leave.Notify();
      thread.join();
    }
    Event attached;
    Event leave;
    std::thread thread;
  };
  User first(pool.get());
  EXPECT_EQ(threads_in(0), 1u);
  EXPECT_EQ(threads_in(1), 0u);
  User second(pool.get());
  EXPECT_EQ(threads_in(0), 1u);
  EXPECT_EQ(threads_in(1), 1u);
  first.End();
  EXPECT_EQ(threads_in(0), 0u);
  User third(pool.get());
  EXPECT_EQ(threads_in(0), 1u);
  EXPECT_EQ(threads_in(1), 1u);
  second.End();
  third.End();
  EXPECT_EQ(threads_in(0) + threads_in(1), 0u);
}

}  // namespace
}  // namespace poolscope
