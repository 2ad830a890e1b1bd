#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/pool/pool_range.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/tests/allocator/pool/test_pool.h"

namespace poolscope {
namespace {

constexpr size_t kChunkBytes = 4 << 20;

uint64_t Sum(PoolRange::Use use) {
  uint64_t sum = 0;
  for (const PoolRange& range : PooledAllocator::Ranges()) {
    if (range.use == use) sum += range.bytes;
  }
  return sum;
}

// The range in which `pointer` lies; of 0 bytes when there is none.
PoolRange RangeOf(const void* pointer) {
  const uintptr_t address = reinterpret_cast<uintptr_t>(pointer);
  for (const PoolRange& range : PooledAllocator::Ranges()) {
    if (address - range.base < range.bytes) return range;
  }
  return PoolRange();
}

TEST(PoolRangesTest, AddUpToWhatTheSnapshotSays) {
  const uint64_t shared = [] {
    const TestPool first;  // brings the tables that all allocators share
    return Sum(PoolRange::Use::kMetadata) -
           first.source.live_bytes(MemorySource::Use::kMetadata);
  }();
  TestPool pool;
  std::vector<void*> blocks;
  for (size_t size = 1; size <= 3 * kChunkBytes; size = size * 5 / 3 + 1) {
    for (void* block : pool.Allocate(3, size)) blocks.push_back(block);
  }
  const auto check = [&] {
    const AllocatorStats stats = pool->Stats();
    EXPECT_EQ(Sum(PoolRange::Use::kChunk), stats.arenas[0].reserved_bytes);
    EXPECT_EQ(Sum(PoolRange::Use::kHuge), stats.huge_used_bytes);
    EXPECT_EQ(Sum(PoolRange::Use::kMetadata) - shared, stats.metadata_bytes);
  };
  check();
  EXPECT_GT(pool->Stats().huge_used_bytes, 0u);
  pool.Free(blocks);  // leaves spare segments
  check();
  EXPECT_EQ(Sum(PoolRange::Use::kHuge), 0u);
  pool->Trim();
  check();
  EXPECT_EQ(Sum(PoolRange::Use::kChunk), 0u);
}

TEST(PoolRangesTest, NoTwoOverlap) {
  TestPool pool;
  const std::vector<void*> small = pool.Allocate(100, 100000);
  const std::vector<void*> huge = pool.Allocate(5, kChunkBytes + 1);
  std::vector<PoolRange> ranges = PooledAllocator::Ranges();
  std::sort(
      ranges.begin(), ranges.end(),
      [](const PoolRange& a, const PoolRange& b) { return a.base < b.base; });
  for (size_t i = 1; i < ranges.size(); ++i) {
    EXPECT_GE(ranges[i].base, ranges[i - 1].base + ranges[i - 1].bytes);
  }
  pool.Free(small);
  pool.Free(huge);
}

TEST(PoolRangesTest, ABlockLiesInAChunkUpToItsSizeAndInARangeOfItsOwnAbove) {
  PoolOptions options = Quiet();
  options.arenas = 2;
  TestPool pool(options);
  for (const size_t size : {kChunkBytes - 1, kChunkBytes, kChunkBytes + 1}) {
    const std::vector<void*> block = pool.Allocate(1, size);
    const PoolRange range = RangeOf(block[0]);
    const bool huge = size > kChunkBytes;
    EXPECT_EQ(range.use, huge ? PoolRange::Use::kHuge : PoolRange::Use::kChunk);
    EXPECT_EQ(range.bytes, huge ? kChunkBytes + 4096 : kChunkBytes);
    EXPECT_EQ(range.arena, 0);
    EXPECT_EQ(RangeOf(static_cast<char*>(block[0]) + size - 1).base,
              range.base);
    pool.Free(block);
  }
}

TEST(PoolRangesTest, AHugeBlockIsListedAsLongAsItLives) {
  TestPool pool;
  const std::vector<void*> blocks = pool.Allocate(3, kChunkBytes + 1);
  // The middle of the list, its end, its start.
  for (const int i : {1, 0, 2}) {
    EXPECT_GT(RangeOf(blocks[i]).bytes, 0u);
    pool->Free(blocks[i]);
    EXPECT_EQ(RangeOf(blocks[i]).bytes, 0u);
  }
}

TEST(PoolRangesTest, MemoryOfAnAllocatorThatIsGoneStaysListed) {
  auto pool = PooledAllocator::Create(Quiet());
  ASSERT_TRUE(pool.ok()) << pool.status();
  void* block = (*pool)->Allocate(100);
  void* huge = (*pool)->Allocate(kChunkBytes + 1);
  pool->reset();
  EXPECT_EQ(RangeOf(block).use, PoolRange::Use::kChunk);
  EXPECT_EQ(RangeOf(block).bytes, kChunkBytes);
  EXPECT_EQ(RangeOf(huge).use, PoolRange::Use::kHuge);
  PooledAllocator::FreeBlock(huge);
  PooledAllocator::FreeBlock(block);
}

TEST(PoolRangesTest, MayBeAskedWhileChunksAndHugeBlocksComeAndGo) {
  PoolOptions options = Quiet();
  options.empty_chunk_decay = absl::ZeroDuration();
  TestPool pool(options);
  std::atomic<bool> done = false;
  std::vector<std::thread> threads;
  for (const size_t size : {kChunkBytes, kChunkBytes + 1}) {
    threads.emplace_back([&pool, &done, size] {
      while (!done) pool->Free(pool->Allocate(size));
    });
  }
  for (int i = 0; i < 200; ++i) {
    for (const PoolRange& range : PooledAllocator::Ranges()) {
      EXPECT_NE(range.base, 0u);
      EXPECT_EQ(range.bytes % 4096, 0u);
    }
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace poolscope
