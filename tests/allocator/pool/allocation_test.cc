// What callers of Allocate() and Free() get: sizes, alignments, huge blocks.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/allocator/pool/memory_source.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/tests/allocator/pool/both_layouts.h"
#include "poolscope/tests/allocator/pool/test_pool.h"

namespace poolscope {
namespace {

using testing::HasSubstr;

constexpr size_t kMiB = size_t{1} << 20;
constexpr size_t kChunk = 4 * kMiB;

bool IsAligned(const void* p, size_t alignment) {
  return reinterpret_cast<uintptr_t>(p) % alignment == 0;
}

// Whatever is said here holds with thread caches and without.
class AllocationTest : public TestOverLayoutsAnd<CachesCase> {
 protected:
  static PoolOptions Options() {
    PoolOptions options = Quiet(layout());
    options.use_thread_caches = param().caches;
    return options;
  }
  TestPool pool_{Options()};
};

INSTANTIATE_TEST_SUITE_P(Caches, AllocationTest,
                         testing::Combine(BothLayouts(), CachesOnAndOff()),
                         AllocationTest::Name);

TEST_P(AllocationTest, ZeroBytesGiveUniquePointers) {
  std::set<void*> seen;
  for (int i = 0; i < 600; ++i) {
    void* block = pool_->Allocate(0);
    ASSERT_NE(block, nullptr);
    ASSERT_TRUE(seen.insert(block).second);
    ASSERT_EQ(PooledAllocator::UsableSize(block), 16u);
    ASSERT_TRUE(IsAligned(block, 16));
  }
  EXPECT_EQ(pool_->Stats().pinned_bytes, 600u * 16);
  for (void* block : seen) pool_->Free(block);
}

TEST_P(AllocationTest, FreeOfNullIsNothing) {
  pool_->Free(nullptr);
  pool_->Free(nullptr, 100);
  PooledAllocator::FreeBlock(nullptr);
  EXPECT_EQ(pool_.counts(Kind::kSmall).deallocations, 0u);
}

TEST_P(AllocationTest, UsableSizeIsTheClassAndAllOfItCanBeWritten) {
  const struct {
    size_t size;
    size_t in_runs;
    size_t in_buddy;
  } kCases[] = {{1, 16, 16},
                {16, 16, 16},
                {17, 32, 32},
                {510, 512, 512},
                {1025, 1280, 2048},
                {7168, 7168, 8192},
                {7169, 8192, 8192},
                {28673, 32768, 32768},
                {kMiB + 1, kMiB / 4 * 5, 2 * kMiB},
                {kChunk, kChunk, kChunk}};
  for (const auto& c : kCases) {
    void* block = pool_->Allocate(c.size);
    ASSERT_NE(block, nullptr);
    const size_t usable =
        layout() == ChunkLayout::kRuns ? c.in_runs : c.in_buddy;
    EXPECT_EQ(PooledAllocator::UsableSize(block), usable) << c.size;
    std::memset(block, 0x5a, usable);
    pool_->Free(block, c.size);
  }
}

TEST_P(AllocationTest, EveryClassBoundaryIsServedAlignedTo16) {
  for (const SizeClassStats& c : pool_->Stats().size_classes) {
    for (size_t size : {c.size_bytes - 1, c.size_bytes, c.size_bytes + 1}) {
      void* block = pool_->Allocate(size);
      ASSERT_NE(block, nullptr) << size;
      ASSERT_TRUE(IsAligned(block, 16)) << size;
      ASSERT_GE(PooledAllocator::UsableSize(block), size);
      pool_->Free(block);
    }
  }
}

TEST_P(AllocationTest, AlignmentIsKeptUpToTheChunk) {
  for (size_t alignment = 1; alignment <= kChunk; alignment *= 2) {
    for (size_t size : {size_t{0}, size_t{1}, size_t{100}, alignment - 1,
                        alignment, alignment + 1, size_t{8193}, kMiB}) {
      void* first = pool_->Allocate(size, alignment);
      void* second = pool_->Allocate(size, alignment);
      ASSERT_NE(first, nullptr) << size << " aligned to " << alignment;
      ASSERT_NE(second, nullptr) << size << " aligned to " << alignment;
      ASSERT_NE(first, second);
      ASSERT_TRUE(IsAligned(first, alignment)) << alignment;
      ASSERT_TRUE(IsAligned(second, alignment)) << alignment;
      ASSERT_GE(PooledAllocator::UsableSize(first), size);
      std::memset(first, 1, size);
      pool_->Free(first);
      pool_->Free(second);
    }
  }
}

TEST_P(AllocationTest, HugeBlocksAreAlignedAsAsked) {
  for (size_t alignment : {size_t{16}, size_t{4096}, kChunk}) {
    void* block = pool_->Allocate(kChunk + 1, alignment);
    ASSERT_NE(block, nullptr);
    EXPECT_TRUE(IsAligned(block, alignment));
    pool_->Free(block);
  }
}

TEST_P(AllocationTest, OtherAlignmentsAreInvalidArguments) {
  for (size_t alignment :
       {size_t{0}, size_t{3}, size_t{24}, kChunk + 1, 2 * kChunk, SIZE_MAX}) {
    EXPECT_EQ(pool_->Allocate(100, alignment), nullptr) << alignment;
    const absl::StatusOr<void*> block = pool_->TryAllocate(100, alignment);
    ASSERT_FALSE(block.ok());
    EXPECT_EQ(block.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(block.status().message()),
                HasSubstr("alignment is " + std::to_string(alignment)));
    EXPECT_EQ(PooledAllocator::LastRefusal(), block.status());
  }
  EXPECT_EQ(pool_->Stats().allocation_failures_limit, 0u);
}

TEST_P(AllocationTest, ChunkSizeIsPooledAndAByteMoreIsHuge) {
  void* pooled = pool_->Allocate(kChunk);
  EXPECT_EQ(pool_.counts(Kind::kNormal).active, 1u);
  EXPECT_EQ(pool_->Stats().huge_used_bytes, 0u);
  void* huge = pool_->Allocate(kChunk + 1);
  EXPECT_EQ(pool_.counts(Kind::kHuge).active, 1u);
  EXPECT_EQ(pool_->Stats().huge_used_bytes, kChunk + 4096);
  EXPECT_EQ(PooledAllocator::UsableSize(huge), kChunk + 4096);
  EXPECT_EQ(pool_.chunk_allocations(), 1u);
  EXPECT_EQ(pool_->Stats().direct_used_bytes, 2 * kChunk + 4096);
  pool_->Free(huge);
  pool_->Free(pooled);
  EXPECT_EQ(pool_.counts(Kind::kHuge).active, 0u);
  EXPECT_EQ(pool_->Stats().huge_used_bytes, 0u);
}

TEST_P(AllocationTest, HugeBlocksAreRoundedUpToAPageOfTheSystem) {
  for (const auto& [size, usable] : {std::pair(kChunk + 4095, kChunk + 4096),
                                     std::pair(kChunk + 4096, kChunk + 4096),
                                     std::pair(kChunk + 4097, kChunk + 8192)}) {
    void* huge = pool_->Allocate(size);
    EXPECT_EQ(PooledAllocator::UsableSize(huge), usable) << size;
    pool_->Free(huge);
  }
}

TEST_P(AllocationTest, HugeBlocksLieOutsideChunksAndAreCountedApart) {
  void* huge = pool_->Allocate(10 * kMiB + 5);
  std::memset(huge, 0x77, 10 * kMiB + 5);
  const AllocatorStats stats = pool_->Stats();
  EXPECT_EQ(stats.arenas[0].reserved_bytes, 0u);
  EXPECT_EQ(stats.pinned_bytes, 0u);
  EXPECT_EQ(stats.arenas[0].allocated_bytes, 10 * kMiB + 4096);
  EXPECT_EQ(stats.requested_bytes, 10 * kMiB + 5);
  EXPECT_EQ(pool_.source.live_bytes(MemorySource::Use::kBlocks),
            static_cast<int64_t>(10 * kMiB + 4096));
  pool_->Free(huge);
  EXPECT_EQ(pool_.source.live_bytes(MemorySource::Use::kBlocks), 0);
  EXPECT_EQ(pool_->Stats().arenas[0].freed_bytes, 10 * kMiB + 4096);
}

TEST_P(AllocationTest, AnyAllocatorsBlockGoesBackThroughFreeBlock) {
  void* small = pool_->Allocate(100);
  void* normal = pool_->Allocate(100000);
  void* huge = pool_->Allocate(kChunk * 2);
  PooledAllocator::FreeBlock(small);
  PooledAllocator::FreeBlock(normal);
  PooledAllocator::FreeBlock(huge);
  EXPECT_EQ(pool_.counts(Kind::kSmall).active, 0u);
  EXPECT_EQ(pool_.counts(Kind::kNormal).active, 0u);
  EXPECT_EQ(pool_.counts(Kind::kHuge).active, 0u);
}

TEST_P(AllocationTest, LiveBlocksDoNotOverlap) {
  std::vector<std::pair<unsigned char*, size_t>> blocks;
  for (int round = 0; round < 40; ++round) {
    for (size_t size : {1, 17, 48, 80, 200, 1300, 5000, 9000, 30000}) {
      auto* at = static_cast<unsigned char*>(pool_->Allocate(size + round));
      const size_t usable = PooledAllocator::UsableSize(at);
      std::memset(at, 1 + blocks.size() % 255, usable);
      blocks.emplace_back(at, usable);
    }
  }
  for (size_t i = 0; i < blocks.size(); ++i) {
    for (size_t b = 0; b < blocks[i].second; ++b) {
      ASSERT_EQ(blocks[i].first[b], 1 + i % 255);
    }
  }
  for (const auto& block : blocks) pool_->Free(block.first);
}

// The least page, and chunks of one page and of the largest order.
class AllocationGeometryTest : public testing::TestWithParam<ChunkLayout> {};
INSTANTIATE_TEST_SUITE_P(Layouts, AllocationGeometryTest, BothLayouts(),
                         LayoutTestName);

TEST_P(AllocationGeometryTest, EveryGeometryServesEverySizeUpToItsChunk) {
  const struct {
    size_t page;
    int max_order;
  } kGeometries[] = {{4096, 0},  {8192, 0},  {4096, 4},    {8192, 11},
                     {4096, 14}, {65536, 6}, {1 << 20, 4}, {1 << 20, 0}};
  for (const auto& g : kGeometries) {
    for (bool caches : {false, true}) {
      PoolOptions options = Quiet(GetParam());
      options.use_thread_caches = caches;
      options.page_size_bytes = g.page;
      options.max_order = g.max_order;
      options.max_direct_memory_bytes = size_t{4} << 30;
      TestPool pool(options);
      const size_t chunk = pool->options().chunk_size_bytes();
      std::vector<void*> blocks;
      for (const SizeClassStats& c : pool->Stats().size_classes) {
        if (c.size_bytes > 16 * kMiB) break;
        void* block = pool->Allocate(c.size_bytes);
        ASSERT_NE(block, nullptr) << c.size_bytes;
        ASSERT_EQ(PooledAllocator::UsableSize(block), c.size_bytes);
        static_cast<char*>(block)[c.size_bytes - 1] = 1;
        blocks.push_back(block);
      }
      void* huge = pool->Allocate(chunk + 1);
      ASSERT_NE(huge, nullptr);
      EXPECT_EQ(pool.counts(Kind::kHuge).active, 1u);
      pool->Free(huge);
      EXPECT_TRUE(pool->CheckInvariants().ok()) << pool->CheckInvariants();
      pool.Free(blocks);
      EXPECT_EQ(pool->Stats().pinned_bytes, 0u);
    }
  }
}

}  // namespace
}  // namespace poolscope
