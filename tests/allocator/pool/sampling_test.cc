// Sampled blocks: their records, and the figures made of them.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <set>
#include <thread>
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

// An interval of one byte: blocks of 64 bytes and more are always sampled (one
// in e^64 is not), and each stands for itself alone.
PoolOptions EveryBlock(ChunkLayout layout) {
  PoolOptions options = Quiet(layout);
  options.sampling = true;
  options.sample_interval_bytes = 1;
  return options;
}

class SamplingTest : public testing::TestWithParam<ChunkLayout> {};
INSTANTIATE_TEST_SUITE_P(Layouts, SamplingTest, BothLayouts(), LayoutTestName);

TEST_P(SamplingTest, EveryBlockHasARecordWhileItLives) {
  TestPool pool(EveryBlock(GetParam()));
  std::vector<void*> blocks;
  for (size_t size : {64, 100, 1000, 8192, 14336, 100000, 4 << 20}) {
    blocks.push_back(pool->Allocate(size));
    EXPECT_EQ(pool->Stats().sampled_live_allocations, blocks.size());
  }
  while (!blocks.empty()) {
    pool->Free(blocks.back());
    blocks.pop_back();
    EXPECT_EQ(pool->Stats().sampled_live_allocations, blocks.size());
  }
}

TEST_P(SamplingTest, SampledBlocksAreCountedAndServedLikeOthers) {
  TestPool pool(EveryBlock(GetParam()));
  std::set<void*> blocks;
  for (int i = 0; i < 100; ++i) blocks.insert(pool->Allocate(100));
  EXPECT_EQ(blocks.size(), 100u);
  const AllocatorStats stats = pool->Stats();
  EXPECT_EQ(stats.requested_bytes, 10000u);
  EXPECT_EQ(stats.pinned_bytes, 11200u);
  EXPECT_EQ(stats.thread_cache_by_kind[0].misses, 100u);
  for (void* block : blocks) {
    EXPECT_EQ(PooledAllocator::UsableSize(block), 112u);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % 8192, 0u)
        << "on a page of its own";
    pool->Free(block);
  }
  EXPECT_EQ(pool->Stats().pinned_bytes, 0u);
  EXPECT_EQ(pool->Stats().arenas[0].used_bytes, 0u);
}

TEST_P(SamplingTest, InternalFragmentationIsExactWhenEveryBlockIsSampled) {
  TestPool pool(EveryBlock(GetParam()));
  std::vector<std::pair<void*, double>> blocks;
  double wasted = 0;
  for (size_t size : {64, 65, 100, 1025, 8193, 14336, 28673, 3000000}) {
    void* block = pool->Allocate(size);
    const double waste = PooledAllocator::UsableSize(block) - size;
    wasted += waste;
    blocks.emplace_back(block, waste);
    EXPECT_DOUBLE_EQ(pool->Stats().internal_fragmentation_bytes, wasted);
  }
  for (const auto& [block, waste] : blocks) {
    pool->Free(block);
    wasted -= waste;
    EXPECT_NEAR(pool->Stats().internal_fragmentation_bytes, wasted, 1e-6);
  }
}

TEST_P(SamplingTest, InternalFragmentationIsUnbiasedWhenFewAre) {
  constexpr int kBlocks = 20000;
  constexpr size_t kInterval = 4096;
  PoolOptions options = Quiet(GetParam());
  options.sampling = true;
  options.sample_interval_bytes = kInterval;
  double sum = 0;
  constexpr int kRounds = 5;
  for (int round = 0; round < kRounds; ++round) {
    TestPool pool(options);
    const std::vector<void*> blocks = pool.Allocate(kBlocks, 129);
    sum += pool->Stats().internal_fragmentation_bytes;
    pool.Free(blocks);
  }
  const double n = double{kBlocks} * kRounds;
  const double size = GetParam() == ChunkLayout::kRuns ? 160 : 144;
  const double waste = size - 129;
  const double p = 1 - std::exp(-size / kInterval);
  // Seeds depend on the thread's id: six standard errors, one run in 10^9.
  EXPECT_NEAR(sum, waste * n, waste * 6 * std::sqrt(n * (1 - p) / p));
}

TEST_P(SamplingTest, OldestAgeFollowsTheClock) {
  TestPool pool(EveryBlock(GetParam()));
  EXPECT_EQ(pool->Stats().oldest_allocation_age_seconds, 0);
  void* oldest = pool->Allocate(100);
  pool.clock.Advance(absl::Seconds(7));
  void* middle = pool->Allocate(100000);
  pool.clock.Advance(absl::Milliseconds(500));
  void* newest = pool->Allocate(100);
  EXPECT_DOUBLE_EQ(pool->Stats().oldest_allocation_age_seconds, 7.5);
  pool->Free(middle);
  EXPECT_DOUBLE_EQ(pool->Stats().oldest_allocation_age_seconds, 7.5);
  pool->Free(oldest);
  EXPECT_DOUBLE_EQ(pool->Stats().oldest_allocation_age_seconds, 0);
  pool.clock.Advance(absl::Hours(1));
  EXPECT_DOUBLE_EQ(pool->Stats().oldest_allocation_age_seconds, 3600);
  pool->Free(newest);
  EXPECT_EQ(pool->Stats().oldest_allocation_age_seconds, 0);
}

TEST_P(SamplingTest, AnotherThreadsFreeEndsTheRecord) {
  TestPool pool(EveryBlock(GetParam()));
  std::vector<void*> blocks = pool.Allocate(10, 100);
  std::thread([&] { pool.Free(blocks); }).join();
  EXPECT_EQ(pool->Stats().sampled_live_allocations, 0u);
  EXPECT_EQ(pool->Stats().pinned_bytes, 0u);
  EXPECT_EQ(pool->Stats().cached_bytes, 0u);
}

TEST_P(SamplingTest, RecordsOutliveTheThreadThatMadeThem) {
  TestPool pool(EveryBlock(GetParam()));
  void* block = nullptr;
  std::thread([&] { block = pool->Allocate(1000); }).join();
  EXPECT_EQ(pool->Stats().sampled_live_allocations, 1u);
  pool->Free(block);
  EXPECT_EQ(pool->Stats().sampled_live_allocations, 0u);
}

TEST_P(SamplingTest, SwitchedOffNothingIsSampled) {
  TestPool pool(Quiet(GetParam()));
  const std::vector<void*> blocks = pool.Allocate(1000, 100000);
  EXPECT_EQ(pool->Stats().sampled_live_allocations, 0u);
  pool.Free(blocks);
}

TEST_P(SamplingTest, ALargeIntervalSamplesFew) {
  PoolOptions options = Quiet(GetParam());
  options.sampling = true;
  options.sample_interval_bytes = size_t{1} << 40;
  TestPool pool(options);
  const std::vector<void*> blocks = pool.Allocate(10000, 1024);
  EXPECT_LE(pool->Stats().sampled_live_allocations, 3u);
  pool.Free(blocks);
}

// At the limit a sample finds no page of its own: the block is served from a
// slab, unsampled, and sampling goes on when there is room again.
TEST_P(SamplingTest, SamplingGoesOnAfterTheLimitWasReached) {
  PoolOptions options = Quiet(GetParam());
  options.sampling = true;
  options.sample_interval_bytes = 64;  // two of three blocks of 64 bytes
  options.page_size_bytes = 4096;
  options.max_order = 4;
  options.max_direct_memory_bytes = 65536;
  TestPool pool(options);
  for (int round = 0; round < 20; ++round) {
    std::vector<void*> blocks;
    while (void* block = pool->Allocate(64)) blocks.push_back(block);
    EXPECT_GT(pool->Stats().sampled_live_allocations, 0u) << round;
    pool.Free(blocks);
  }
}

}  // namespace
}  // namespace poolscope
