// Empty chunks: how long they wait, who may use them, and that allocating and
// freeing the same again and again neither maps nor unmaps.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/allocator/pool/memory_source.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/tests/allocator/pool/both_layouts.h"
#include "poolscope/tests/allocator/pool/test_pool.h"

namespace poolscope {
namespace {

constexpr size_t kMiB = size_t{1} << 20;
constexpr size_t kChunk = 4 * kMiB;

class ChunkDecayTest : public testing::TestWithParam<ChunkLayout> {};
INSTANTIATE_TEST_SUITE_P(Layouts, ChunkDecayTest, BothLayouts(),
                         LayoutTestName);

TEST_P(ChunkDecayTest, AnEmptyChunkIsUnmappedAfterItsDecayAndNotBefore) {
  TestPool pool(QuietWithoutCaches(GetParam()));
  pool->Free(pool->Allocate(2 * kMiB));
  ASSERT_EQ(pool.chunks_in(ChunkListId::kQ000), 1u);
  pool.clock.Advance(absl::Seconds(5) - absl::Nanoseconds(1));
  EXPECT_EQ(pool->Maintain().chunks_unmapped, 0u);
  EXPECT_EQ(pool.chunk_deallocations(), 0u);
  pool.clock.Advance(absl::Nanoseconds(1));
  const TrimResult result = pool->Maintain();
  EXPECT_EQ(result.chunks_unmapped, 1u);
  EXPECT_EQ(result.trimmed_bytes, kChunk);
  EXPECT_EQ(pool.chunk_deallocations(), 1u);
  EXPECT_EQ(pool->Stats().direct_used_bytes, 0u);
  EXPECT_EQ(pool.source.live_bytes(MemorySource::Use::kBlocks), 0);
}

TEST_P(ChunkDecayTest, AnEmptyChunkInQInitDecaysToo) {
  TestPool pool(QuietWithoutCaches(GetParam()));
  pool->Free(pool->Allocate(8192));
  ASSERT_EQ(pool.chunks_in(ChunkListId::kQInit), 1u);
  pool.clock.Advance(absl::Seconds(5) - absl::Nanoseconds(1));
  EXPECT_EQ(pool->Maintain().chunks_unmapped, 0u);
  pool.clock.Advance(absl::Nanoseconds(1));
  EXPECT_EQ(pool->Maintain().chunks_unmapped, 1u);
}

TEST_P(ChunkDecayTest, AChunkInUseDoesNotDecay) {
  TestPool pool(QuietWithoutCaches(GetParam()));
  void* block = pool->Allocate(8192);
  pool.clock.Advance(absl::Hours(1));
  EXPECT_EQ(pool->Maintain().chunks_unmapped, 0u);
  // The decay begins when the last run returns.
  pool->Free(block);
  EXPECT_EQ(pool->Maintain().chunks_unmapped, 0u);
  pool.clock.Advance(absl::Seconds(5));
  EXPECT_EQ(pool->Maintain().chunks_unmapped, 1u);
}

TEST_P(ChunkDecayTest, UseBetweenTimesStartsTheDecayAnew) {
  TestPool pool(QuietWithoutCaches(GetParam()));
  pool->Free(pool->Allocate(8192));
  pool.clock.Advance(absl::Seconds(4));
  pool->Free(pool->Allocate(8192));
  pool.clock.Advance(absl::Seconds(4));
  EXPECT_EQ(pool->Maintain().chunks_unmapped, 0u);
  pool.clock.Advance(absl::Seconds(1));
  EXPECT_EQ(pool->Maintain().chunks_unmapped, 1u);
}

TEST_P(ChunkDecayTest, WithoutMaintainTheSlowPathsSeeToIt) {
  TestPool pool(QuietWithoutCaches(GetParam()));
  const std::vector<void*> held = pool.Allocate(3, kMiB);
  pool->Free(pool->Allocate(2 * kMiB));  // a second chunk
  pool.clock.Advance(absl::Seconds(5));
  // The first chunk has room for these.
  for (int i = 0; i < 64; ++i) pool->Free(pool->Allocate(8192));
  EXPECT_EQ(pool.chunk_deallocations(), 1u);
  pool.Free(held);
}

TEST_P(ChunkDecayTest, ZeroDecayUnmapsAtOnce) {
  PoolOptions options = QuietWithoutCaches(GetParam());
  options.empty_chunk_decay = absl::ZeroDuration();
  TestPool pool(options);
  pool->Free(pool->Allocate(8192));
  EXPECT_EQ(pool.chunk_deallocations(), 1u);
  EXPECT_EQ(pool.source.live_bytes(MemorySource::Use::kBlocks), 0);
}

TEST_P(ChunkDecayTest, InfiniteDecayKeepsTheChunk) {
  PoolOptions options = QuietWithoutCaches(GetParam());
  options.empty_chunk_decay = absl::InfiniteDuration();
  TestPool pool(options);
  pool->Free(pool->Allocate(8192));
  pool.clock.Advance(absl::Hours(24 * 365));
  EXPECT_EQ(pool->Maintain().chunks_unmapped, 0u);
  EXPECT_EQ(pool->Trim().chunks_unmapped, 1u) << "asked for, it goes";
}

TEST_P(ChunkDecayTest, TrimDoesNotWait) {
  TestPool pool(Quiet(GetParam()));
  pool.Free(pool.Allocate(100, 10000));
  const TrimResult result = pool->Trim();
  EXPECT_EQ(result.chunks_unmapped, 1u);
  EXPECT_EQ(result.trimmed_bytes, kChunk);
  EXPECT_EQ(pool->Stats().direct_used_bytes, 0u);
}

TEST_P(ChunkDecayTest, TrimGivesBackFreePagesOfChunksInUse) {
  TestPool pool(QuietWithoutCaches(GetParam()));
  void* held = pool->Allocate(8192);
  void* half = pool->Allocate(2 * kMiB);
  static_cast<char*>(half)[0] = 1;
  EXPECT_EQ(pool->Trim().trimmed_bytes, 0u);
  pool->Free(half);
  const TrimResult result = pool->Trim();
  EXPECT_EQ(result.chunks_unmapped, 0u);
  EXPECT_EQ(result.trimmed_bytes, 2 * kMiB);
  EXPECT_EQ(pool.source.purged_bytes(), static_cast<int64_t>(2 * kMiB));
  EXPECT_EQ(pool->Trim().trimmed_bytes, 0u) << "what is clean stays so";
  half = pool->Allocate(2 * kMiB);
  EXPECT_EQ(static_cast<char*>(half)[0], 0);
  pool->Free(half);
  pool->Free(held);
}

TEST_P(ChunkDecayTest, PurgesThatAreRefusedAreTriedAgain) {
  TestPool pool(QuietWithoutCaches(GetParam()));
  void* held = pool->Allocate(8192);
  pool->Free(pool->Allocate(2 * kMiB));
  pool.source.RefusePurges(true);
  EXPECT_EQ(pool->Trim().trimmed_bytes, 0u);
  pool.source.RefusePurges(false);
  EXPECT_EQ(pool->Trim().trimmed_bytes, 2 * kMiB);
  pool->Free(held);
}

TEST_P(ChunkDecayTest, AChunkSizedRequestTakesAnEmptyChunk) {
  TestPool pool(QuietWithoutCaches(GetParam()));
  void* first = pool->Allocate(8192);
  pool->Free(first);
  ASSERT_EQ(pool.chunks_in(ChunkListId::kQInit), 1u);
  void* whole = pool->Allocate(kChunk);
  EXPECT_EQ(whole, first);
  EXPECT_EQ(pool.chunk_allocations(), 1u);
  EXPECT_EQ(pool.chunks_in(ChunkListId::kQ100), 1u);
  pool->Free(whole);
  // Now it waits in q000.
  ASSERT_EQ(pool.chunks_in(ChunkListId::kQ000), 1u);
  EXPECT_EQ(pool->Allocate(kChunk), whole);
  EXPECT_EQ(pool.chunk_allocations(), 1u);
  pool->Free(whole);
}

TEST_P(ChunkDecayTest, EmptyChunksTellSinceWhen) {
  TestPool pool(QuietWithoutCaches(GetParam()));
  void* block = pool->Allocate(8192);
  StatsOptions with_chunks;
  with_chunks.chunks = true;
  pool.clock.Advance(absl::Seconds(1));
  EXPECT_EQ(pool->Stats(with_chunks).chunks[0].empty_for_seconds, 0);
  pool->Free(block);
  pool.clock.Advance(absl::Seconds(2));
  EXPECT_DOUBLE_EQ(pool->Stats(with_chunks).chunks[0].empty_for_seconds, 2);
}

class ChunkChurnTest : public testing::TestWithParam<ChunkLayout> {};
INSTANTIATE_TEST_SUITE_P(Layouts, ChunkChurnTest, BothLayouts(),
                         LayoutTestName);

// Netty destroys and creates a chunk each time (its issue 14257).
TEST_P(ChunkChurnTest, RepeatingALargeAllocationMapsNothing) {
  for (bool caches : {false, true}) {
    for (size_t size : {kMiB - 1, kMiB, kMiB + 1, kChunk / 2, kChunk * 3 / 4,
                        kChunk - 1, kChunk}) {
      PoolOptions options = Quiet(GetParam());
      options.use_thread_caches = caches;
      TestPool pool(options);
      pool->Free(pool->Allocate(size));
      ASSERT_EQ(pool.chunk_allocations(), 1u);
      const int64_t calls = pool.source.mapped(MemorySource::Use::kBlocks);
      for (int i = 0; i < 1000; ++i) {
        pool.clock.Advance(absl::Milliseconds(100));
        if (i % 10 == 0) pool->Maintain();
        pool->Free(pool->Allocate(size));
      }
      EXPECT_EQ(pool.chunk_allocations(), 1u) << size << " caches " << caches;
      EXPECT_EQ(pool.chunk_deallocations(), 0u) << size << " caches " << caches;
      EXPECT_EQ(pool.source.mapped(MemorySource::Use::kBlocks), calls);
    }
  }
}

// The same with the chunk partly in use by others.
TEST_P(ChunkChurnTest, RepeatingAQuarterBesideOtherBlocksMapsNothing) {
  TestPool pool(QuietWithoutCaches(GetParam()));
  const std::vector<void*> held = pool.Allocate(100, 8192);
  for (int i = 0; i < 100; ++i) {
    pool.Free(pool.Allocate(3, kMiB));
    pool.clock.Advance(absl::Seconds(1));
    pool->Maintain();
  }
  EXPECT_EQ(pool.chunk_allocations(), 1u);
  EXPECT_EQ(pool.chunk_deallocations(), 0u);
  pool.Free(held);
}

}  // namespace
}  // namespace poolscope
