// The oldest sampled block of each chunk, in snapshots with an entry a chunk.
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/allocator/pool/pool_options.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/tests/allocator/pool/both_layouts.h"
#include "poolscope/tests/allocator/pool/test_pool.h"

namespace poolscope {
namespace {

constexpr size_t kHalfChunk = 2 << 20;

PoolOptions EveryBlock(ChunkLayout layout) {
  PoolOptions options = Quiet(layout);
  options.sampling = true;
  options.sample_interval_bytes = 1;
  options.empty_chunk_decay = absl::InfiniteDuration();
  return options;
}

// By the chunk's address.
std::map<uint64_t, OldestSample> OldestSamples(TestPool& pool) {
  StatsOptions options;
  options.chunks = true;
  std::map<uint64_t, OldestSample> samples;
  for (const ChunkStats& chunk : pool->Stats(options).chunks) {
    samples[chunk.address] = chunk.oldest_sample;
  }
  return samples;
}

OldestSample OldestIn(TestPool& pool, const void* block) {
  const std::map<uint64_t, OldestSample> samples = OldestSamples(pool);
  auto it = samples.upper_bound(reinterpret_cast<uint64_t>(block));
  EXPECT_NE(it, samples.begin());
  return (--it)->second;
}

class OldestSampleTest : public testing::TestWithParam<ChunkLayout> {};
INSTANTIATE_TEST_SUITE_P(Layouts, OldestSampleTest, BothLayouts(),
                         LayoutTestName);

TEST_P(OldestSampleTest, IsNamedForEachChunk) {
  TestPool pool(EveryBlock(GetParam()));
  std::vector<void*> blocks;
  for (size_t i = 0; i < 4; ++i) {  // two chunks
    blocks.push_back(pool->Allocate(kHalfChunk - i));
    pool.clock.Advance(absl::Seconds(1));
  }
  ASSERT_EQ(OldestSamples(pool).size(), 2u);
  const OldestSample first = OldestIn(pool, blocks[0]);
  EXPECT_EQ(first.requested_bytes, kHalfChunk);
  EXPECT_EQ(first.age_seconds, 4);
  const OldestSample second = OldestIn(pool, blocks[2]);
  EXPECT_EQ(second.requested_bytes, kHalfChunk - 2);
  EXPECT_EQ(second.age_seconds, 2);
  EXPECT_NE(first.id, 0u);
  EXPECT_NE(second.id, 0u);
  EXPECT_NE(first.id, second.id);

  // With the oldest gone, the next is.
  pool->Free(blocks[0]);
  EXPECT_EQ(OldestIn(pool, blocks[0]).requested_bytes, kHalfChunk - 1);
  pool->Free(blocks[1]);
  pool->Free(blocks[2]);
  pool->Free(blocks[3]);
}

TEST_P(OldestSampleTest, IsNoneInAChunkWithoutSamples) {
  TestPool pool(EveryBlock(GetParam()));
  void* const block = pool->Allocate(100);
  EXPECT_NE(OldestIn(pool, block).id, 0u);
  pool->Free(block);
  const std::map<uint64_t, OldestSample> samples = OldestSamples(pool);
  ASSERT_EQ(samples.size(), 1u);
  EXPECT_EQ(samples.begin()->second.id, 0u);
  EXPECT_EQ(samples.begin()->second.requested_bytes, 0u);
  EXPECT_EQ(samples.begin()->second.age_seconds, 0);
}

TEST_P(OldestSampleTest, HugeBlocksAreInNoChunk) {
  TestPool pool(EveryBlock(GetParam()));
  void* const huge = pool->Allocate(8 << 20);
  pool.clock.Advance(absl::Seconds(5));
  void* const small = pool->Allocate(100);
  pool.clock.Advance(absl::Seconds(1));
  const std::map<uint64_t, OldestSample> samples = OldestSamples(pool);
  ASSERT_EQ(samples.size(), 1u);
  EXPECT_EQ(samples.begin()->second.requested_bytes, 100u);
  EXPECT_EQ(samples.begin()->second.age_seconds, 1);
  EXPECT_EQ(pool->Stats().oldest_allocation_age_seconds, 6);
  pool->Free(huge);
  pool->Free(small);
}

TEST_P(OldestSampleTest, IsInTheLastPageOfAChunkToo) {
  TestPool pool(EveryBlock(GetParam()));
  // Pages from the first to the last of the chunk; all but the last go.
  std::vector<void*> pages = pool.Allocate(512, 8192);
  ASSERT_EQ(OldestSamples(pool).size(), 1u);
  void* last = pages[0];
  for (void* page : pages) last = page > last ? page : last;
  for (void* page : pages) {
    if (page != last) pool->Free(page);
  }
  EXPECT_NE(OldestIn(pool, last).id, 0u);
  pool->Free(last);
}

}  // namespace
}  // namespace poolscope
