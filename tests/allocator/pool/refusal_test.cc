// What happens at the limit, and what a caller is told.
#include <cstddef>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/allocator/pool/memory_source.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/tests/allocator/pool/both_layouts.h"
#include "poolscope/tests/allocator/pool/event.h"
#include "poolscope/tests/allocator/pool/test_pool.h"

namespace poolscope {
namespace {

using testing::HasSubstr;

constexpr size_t kMiB = size_t{1} << 20;
constexpr size_t kChunk = 4 * kMiB;

PoolOptions WithLimit(size_t bytes, ChunkLayout layout) {
  PoolOptions options = Quiet(layout);
  options.name = "tight";
  options.max_direct_memory_bytes = bytes;
  return options;
}

std::string LastRefusalText() {
  return std::string(PooledAllocator::LastRefusal().message());
}

class RefusalTest : public testing::TestWithParam<ChunkLayout> {};
INSTANTIATE_TEST_SUITE_P(Layouts, RefusalTest, BothLayouts(), LayoutTestName);

TEST_P(RefusalTest, AThreadThatWasNeverRefusedHasNoRefusal) {
  absl::Status refusal = absl::UnknownError("not asked");
  std::thread([&] { refusal = PooledAllocator::LastRefusal(); }).join();
  EXPECT_TRUE(refusal.ok());
}

TEST_P(RefusalTest, NamesRequestedUsedPinnedCachedAndLimit) {
  TestPool pool(WithLimit(2 * kChunk, GetParam()));
  void* quarter = pool->Allocate(kMiB);
  void* huge = pool->Allocate(kChunk);
  EXPECT_EQ(pool->Allocate(kChunk - 1), nullptr);
  EXPECT_EQ(PooledAllocator::LastRefusal().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(LastRefusalText(),
            "allocator tight: 4194303 bytes refused by the direct memory "
            "limit: used 8388608 (pinned 5242880, cached 0) of a limit of "
            "8388608");
  EXPECT_EQ(pool->Stats().allocation_failures_limit, 1u);
  EXPECT_EQ(pool->Stats().allocation_failures_mapping, 0u);
  pool->Free(quarter);
  pool->Free(huge);
}

TEST_P(RefusalTest, HugeBlocksCountAsPinnedInTheText) {
  TestPool pool(WithLimit(3 * kChunk, GetParam()));
  void* huge = pool->Allocate(2 * kChunk + 1);
  EXPECT_EQ(pool->Allocate(kChunk + 1), nullptr);
  EXPECT_THAT(LastRefusalText(),
              HasSubstr("used 8392704 (pinned 8392704, cached 0) of a limit of "
                        "12582912"));
  pool->Free(huge);
}

// Another thread's cache that is in use cannot be emptied, so it shows.
TEST_P(RefusalTest, NamesWhatActiveCachesHold) {
  TestPool pool(WithLimit(kChunk, GetParam()));
  Event cached;
  Event leave;
  std::thread other([&] {
    pool.Free(pool.Allocate(10, 100));
    cached.Notify();
    leave.Wait();
  });
  cached.Wait();
  const uint64_t held = pool->Stats().cached_bytes;
  ASSERT_GT(held, 0u);
  EXPECT_EQ(pool->Allocate(kChunk), nullptr);
  EXPECT_THAT(LastRefusalText(),
              HasSubstr("(pinned 0, cached " + std::to_string(held) + ")"));
  leave.Notify();
  other.join();
}

TEST_P(RefusalTest, TryAllocateGivesTheSameStatus) {
  TestPool pool(WithLimit(kChunk, GetParam()));
  const absl::StatusOr<void*> refused = pool->TryAllocate(kChunk + 1);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.status(), PooledAllocator::LastRefusal());
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
  const absl::StatusOr<void*> granted = pool->TryAllocate(kChunk);
  ASSERT_TRUE(granted.ok());
  pool->Free(*granted);
}

TEST_P(RefusalTest, RefusalsAreToldPerThread) {
  TestPool pool(WithLimit(kChunk, GetParam()));
  EXPECT_EQ(pool->Allocate(kChunk + 7), nullptr);
  absl::Status elsewhere;
  std::thread([&] { elsewhere = PooledAllocator::LastRefusal(); }).join();
  EXPECT_TRUE(elsewhere.ok());
  EXPECT_THAT(LastRefusalText(), HasSubstr("4194311 bytes"));
}

TEST_P(RefusalTest, ASystemThatRefusesIsNamed) {
  TestPool pool(WithLimit(4 * kChunk, GetParam()));
  pool->Free(pool->Allocate(100));
  pool.source.FailUse(MemorySource::Use::kBlocks, true);
  for (size_t size : {kChunk, kChunk + 1}) {
    EXPECT_EQ(pool->Allocate(size), nullptr);
    EXPECT_THAT(LastRefusalText(),
                HasSubstr("refused by the operating system"));
  }
  EXPECT_EQ(pool->Stats().allocation_failures_mapping, 2u);
  EXPECT_EQ(pool->Stats().allocation_failures_limit, 0u);
  // What was reserved for the attempts is back.
  EXPECT_EQ(pool->Stats().direct_used_bytes,
            pool->Stats().arenas[0].reserved_bytes);
  pool.source.FailNone();
  void* block = pool->Allocate(kChunk);
  EXPECT_NE(block, nullptr);
  pool->Free(block);
}

TEST_P(RefusalTest, WhereATableOfAChunkIsRefusedWhatWasReservedIsBack) {
  // A small chunk's segment finds no room, and a large one's tree.
  for (int max_order : {9, 14}) {
    PoolOptions options = WithLimit(size_t{16} << 30, GetParam());
    options.max_order = max_order;
    TestPool pool(options);
    std::vector<void*> blocks = {pool->Allocate(100)};
    pool.source.FailUse(MemorySource::Use::kMetadata, true);
    // As many as there is room for in what is mapped for tables.
    const size_t chunk_bytes = options.chunk_size_bytes();
    while (void* block = pool->Allocate(chunk_bytes)) blocks.push_back(block);
    EXPECT_THAT(LastRefusalText(),
                HasSubstr("refused by the operating system"));
    EXPECT_EQ(pool->Stats().direct_used_bytes,
              pool->Stats().arenas[0].reserved_bytes);
    pool.Free(blocks);
  }
}

TEST_P(RefusalTest, SizesBeyondEveryAddressAreRefused) {
  TestPool pool(Quiet(GetParam()));
  for (size_t size : {size_t{1} << 46, (size_t{1} << 46) + 1, size_t{1} << 63,
                      SIZE_MAX - 4096, SIZE_MAX}) {
    EXPECT_EQ(pool->Allocate(size), nullptr);
    EXPECT_EQ(pool->Allocate(size, 64), nullptr);
    EXPECT_EQ(pool->Allocate(size, kChunk), nullptr);
  }
  const AllocatorStats stats = pool->Stats();
  EXPECT_EQ(stats.direct_used_bytes, 0u);
  EXPECT_EQ(stats.allocation_failures_limit, 15u);
  EXPECT_EQ(stats.allocation_failures_mapping, 0u);
}

TEST_P(RefusalTest, ExactlyTheLimitIsGranted) {
  TestPool pool(WithLimit(2 * kChunk + 4096, GetParam()));
  void* huge = pool->Allocate(2 * kChunk + 4096);
  ASSERT_NE(huge, nullptr);
  EXPECT_EQ(pool->Stats().direct_used_bytes, 2 * kChunk + 4096);
  EXPECT_EQ(pool->Stats().direct_peak_bytes, 2 * kChunk + 4096);
  pool->Free(huge);
  EXPECT_EQ(pool->Allocate(2 * kChunk + 4097), nullptr);
}

TEST_P(RefusalTest, NothingIsRefusedWhileTheOwnCacheCouldServe) {
  TestPool pool(WithLimit(kChunk, GetParam()));
  // The whole chunk ends up in slabs and magazines of this thread.
  pool.Free(pool.Allocate(64, 32768));
  pool.Free(pool.Allocate(1000, 256));
  ASSERT_GT(pool->Stats().cached_bytes, 0u);
  void* whole = pool->Allocate(kChunk);
  EXPECT_NE(whole, nullptr) << PooledAllocator::LastRefusal();
  EXPECT_EQ(pool->Stats().cached_bytes, 0u);
  pool->Free(whole);
}

TEST_P(RefusalTest, NothingIsRefusedWhileAnIdleCacheCouldServe) {
  TestPool pool(WithLimit(kChunk, GetParam()));
  Event idle;
  Event leave;
  std::thread other([&] {
    pool.Free(pool.Allocate(64, 32768));
    PooledAllocator::MarkThreadIdle();
    idle.Notify();
    leave.Wait();
  });
  idle.Wait();
  void* whole = pool->Allocate(kChunk);
  EXPECT_NE(whole, nullptr) << PooledAllocator::LastRefusal();
  pool->Free(whole);
  leave.Notify();
  other.join();
}

TEST_P(RefusalTest, NothingIsRefusedWhileAnEmptyChunkCouldGiveWay) {
  TestPool pool(WithLimit(2 * kChunk, GetParam()));
  pool.Free({pool->Allocate(kChunk), pool->Allocate(kChunk)});
  ASSERT_EQ(pool->Stats().direct_used_bytes, 2 * kChunk);
  void* huge = pool->Allocate(2 * kChunk);
  EXPECT_NE(huge, nullptr) << PooledAllocator::LastRefusal();
  pool->Free(huge);
}

TEST_P(RefusalTest, NothingIsRefusedWhileAnotherArenaCouldServe) {
  PoolOptions options = WithLimit(kChunk, GetParam());
  options.arenas = 2;
  TestPool pool(options);
  void* here = pool->Allocate(kMiB);  // arena 0 has the only chunk
  void* there = nullptr;
  uint64_t second_arena_threads = 0;
  std::thread([&] {
    there = pool->Allocate(kMiB);
    second_arena_threads = pool->Stats().arenas[1].thread_caches;
  }).join();
  EXPECT_EQ(second_arena_threads, 1u);
  EXPECT_NE(there, nullptr) << "arena 0 has three quarters free";
  pool->Free(here);
  pool->Free(there);
}

TEST_P(RefusalTest, TheLimitIsNeverPassed) {
  TestPool pool(WithLimit(3 * kChunk + 12345, GetParam()));
  std::vector<void*> blocks;
  for (size_t size : {kChunk, kChunk / 2, kChunk + 1, kMiB, size_t{100000}}) {
    while (void* block = pool->Allocate(size)) blocks.push_back(block);
    EXPECT_LE(pool.source.peak_bytes(MemorySource::Use::kBlocks),
              static_cast<int64_t>(3 * kChunk + 12345));
  }
  EXPECT_LE(pool->Stats().direct_peak_bytes, 3 * kChunk + 12345);
  EXPECT_EQ(pool->Stats().allocation_failures_limit, 5u);
  pool.Free(blocks);
}

TEST_P(RefusalTest, ALimitBelowAChunkIsRefusedAtTheStart) {
  EXPECT_EQ(PooledAllocator::Create(WithLimit(kChunk - 1, GetParam()))
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
}

// Blocks that others freed lie in the queue of a thread that sleeps without
// having said so; those of a page or more anyone may take back.
TEST_P(RefusalTest, TheQueueOfASleepingThreadServesOthers) {
  TestPool pool(WithLimit(4 * kChunk, GetParam()));
  std::vector<void*> blocks;
  Event allocated;
  Event finish;
  std::thread owner([&] {
    while (void* block = pool->Allocate(65536)) blocks.push_back(block);
    allocated.Notify();
    finish.Wait();
  });
  allocated.Wait();
  EXPECT_EQ(pool->Allocate(65536), nullptr);
  pool.Free(blocks);
  PooledAllocator::MarkThreadIdle();  // sends the last ones on their way
  void* block = pool->Allocate(2 * kMiB);
  EXPECT_NE(block, nullptr) << PooledAllocator::LastRefusal();
  pool->Free(block);
  pool->Trim();
  EXPECT_LE(pool->Stats().direct_used_bytes, kChunk);
  finish.Notify();
  owner.join();
}

// One thread must not be refused while another takes idle chunks apart.
TEST_P(RefusalTest, TwoThreadsThatMakeRoomAreBothServed) {
  TestPool pool(WithLimit(16 * kChunk, GetParam()));
  for (int round = 0; round < 50; ++round) {
    std::vector<void*> chunks = pool.Allocate(16, kChunk);
    pool.Free(chunks);
    PooledAllocator::MarkThreadIdle();
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; ++t) {
      threads.emplace_back([&] {
        void* huge = pool->Allocate(kChunk + kMiB);
        EXPECT_NE(huge, nullptr) << PooledAllocator::LastRefusal();
        pool->Free(huge);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
}

TEST_P(RefusalTest, AnArenaWithoutAChunkLivesOffTheOthers) {
  PoolOptions options = WithLimit(kChunk, GetParam());
  options.arenas = 2;
  TestPool pool(options);
  void* first = pool->Allocate(256);
  void* hot = pool->Allocate(1024);
  pool->Free(hot);
  std::thread([&] {
    for (int i = 0; i < 100; ++i) {
      void* block = pool->Allocate(4096);
      EXPECT_NE(block, nullptr) << PooledAllocator::LastRefusal();
      pool->Free(block);
    }
  }).join();
  // And leaves their thread its cache.
  const uint64_t evicted =
      pool->Stats()
          .thread_cache_evictions[static_cast<int>(EvictionReason::kReclaim)];
  EXPECT_EQ(evicted, 0u);
  EXPECT_EQ(pool->Allocate(1024), hot);
  pool->Free(hot);
  pool->Free(first);
}

}  // namespace
}  // namespace poolscope
