// What Netty's own tests hold its pooled allocator to, asked of this one.
#include <cstddef>
#include <cstdint>
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

class NettyFiguresTest : public testing::TestWithParam<ChunkLayout> {};
INSTANTIATE_TEST_SUITE_P(Layouts, NettyFiguresTest, BothLayouts(),
                         LayoutTestName);

TEST_P(NettyFiguresTest, CountsASmallAndANormalBlockWithoutCaches) {
  TestPool pool(QuietWithoutCaches(GetParam()));
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

// Of the classes before 4.1.52: a tiny, a small and a normal block, tiny being
// counted as small here.
TEST(OldNettyFiguresTest, CountsATinyASmallAndANormalBlockWithoutCaches) {
  TestPool pool(QuietWithoutCaches(ChunkLayout::kBuddy));
  std::vector<void*> blocks;
  for (size_t size : {24, 800, 16384}) blocks.push_back(pool->Allocate(size));
  EXPECT_EQ(PooledAllocator::UsableSize(blocks[0]), 32u);
  EXPECT_EQ(PooledAllocator::UsableSize(blocks[1]), 1024u);
  EXPECT_EQ(PooledAllocator::UsableSize(blocks[2]), 16384u);
  EXPECT_EQ(pool.counts(Kind::kSmall).active, 2u);
  EXPECT_EQ(pool.counts(Kind::kNormal).active, 1u);
  pool.Free(blocks);
  EXPECT_EQ(pool.counts(Kind::kSmall).allocations, 2u);
  EXPECT_EQ(pool.counts(Kind::kSmall).deallocations, 2u);
  EXPECT_EQ(pool.counts(Kind::kNormal).allocations, 1u);
  EXPECT_EQ(pool.counts(Kind::kNormal).deallocations, 1u);
  EXPECT_EQ(pool.counts(Kind::kHuge).allocations, 0u);
  uint64_t classes_used = 0;
  for (const SizeClassStats& c : pool->Stats().size_classes) {
    if (c.allocations == 0) continue;
    ++classes_used;
    EXPECT_EQ(c.allocations, 1u) << c.size_bytes;
    EXPECT_EQ(c.deallocations, 1u) << c.size_bytes;
  }
  EXPECT_EQ(classes_used, 3u);
  EXPECT_EQ(pool.chunk_allocations(), 1u);
  EXPECT_EQ(pool->Stats().layout, "buddy");
}

TEST_P(NettyFiguresTest, ReportsTheBoundsOfItsLists) {
  TestPool pool(Quiet(GetParam()));
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

TEST_P(NettyFiguresTest, AChunkSizedBlockFillsQ100AndLeavesAllListsEmpty) {
  PoolOptions options = QuietWithoutCaches(GetParam());
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

TEST_P(NettyFiguresTest, UsedMemoryIsWholeChunks) {
  for (bool caches : {false, true}) {
    PoolOptions options = Quiet(GetParam());
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

TEST_P(NettyFiguresTest, UsedMemoryOfAHugeBlockIsItsSize) {
  PoolOptions options = Quiet(GetParam());
  options.max_order = 11;
  TestPool pool(options);
  void* block = pool->Allocate(32 * kMiB);
  EXPECT_EQ(pool->Stats().direct_used_bytes, 33554432u);
  EXPECT_EQ(pool->Stats().huge_used_bytes, 33554432u);
  pool->Free(block);
  EXPECT_EQ(pool->Stats().direct_used_bytes, 0u);
}

TEST_P(NettyFiguresTest, PinnedLiesBetweenCapacitiesAndUsedRuns) {
  for (bool caches : {false, true}) {
    PoolOptions options = Quiet(GetParam());
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

TEST_P(NettyFiguresTest, ANewThreadTakesTheArenaThatAnotherLeft) {
  PoolOptions options = Quiet(GetParam());
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
  // Not the first arena, which is also everybody's without a reason.
  second.End();
  EXPECT_EQ(threads_in(1), 0u);
  User third(pool.get());
  EXPECT_EQ(threads_in(0), 1u);
  EXPECT_EQ(threads_in(1), 1u);
  first.End();
  third.End();
  EXPECT_EQ(threads_in(0) + threads_in(1), 0u);
}

}  // namespace
}  // namespace poolscope
