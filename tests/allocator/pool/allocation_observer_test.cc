// What an observer of an allocator is told, and that an interval of one byte
// leaves out no block, whichever way it was served.
#include "poolscope/allocator/base/allocation_observer.h"

#include <pthread.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/allocator/pool/memory_source.h"
#include "poolscope/allocator/pool/pool_options.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/tests/allocator/pool/both_layouts.h"
#include "poolscope/tests/allocator/pool/recording_observer.h"
#include "poolscope/tests/allocator/pool/test_pool.h"

namespace poolscope {
namespace {

class AllocationObserverTest : public TestOverLayoutsAnd<CachesCase> {
 protected:
  PoolOptions Observed(size_t sample_interval_bytes) {
    PoolOptions options = Quiet(layout());
    options.sampling = true;
    options.use_thread_caches = param().caches;
    options.sample_interval_bytes = sample_interval_bytes;
    options.observer = observer_;
    return options;
  }

  // `block` has the youngest record, of weight 1.
  void ExpectSampled(void* block, size_t size) {
    ASSERT_NE(block, nullptr);
    const uint64_t id = PooledAllocator::SampleId(block);
    ASSERT_NE(id, 0u) << size;
    const auto live = observer_->live();
    ASSERT_EQ(live.count(id), 1u);
    const ObservedAllocation& seen = live.at(id);
    EXPECT_EQ(seen.address, block);
    EXPECT_EQ(seen.requested_bytes, size);
    EXPECT_EQ(seen.class_bytes, PooledAllocator::UsableSize(block));
    EXPECT_EQ(seen.weight, 1.0);
  }

  std::shared_ptr<RecordingObserver> observer_ =
      std::make_shared<RecordingObserver>();
};
INSTANTIATE_TEST_SUITE_P(Observers, AllocationObserverTest,
                         testing::Combine(BothLayouts(), CachesOnAndOff()),
                         AllocationObserverTest::Name);

TEST_P(AllocationObserverTest, AnIntervalOfOneSeesEveryBlock) {
  TestPool pool(Observed(1));
  std::vector<void*> blocks;
  for (int round = 0; round < 3; ++round) {
    for (size_t size : {0, 1, 16, 17, 64, 1000, 4096, 8192, 8193, 14336, 28672,
                        28673, 1 << 20, (4 << 20) - 1, 4 << 20, 5 << 20}) {
      blocks.push_back(pool->Allocate(size));
      ExpectSampled(blocks.back(), size);
    }
    pool.Free(blocks);
    blocks.clear();
    EXPECT_TRUE(observer_->live().empty());
  }
  EXPECT_EQ(pool->Stats().missed_samples, 0u);
}

TEST_P(AllocationObserverTest, AnIntervalOfOneSeesAlignedBlocks) {
  TestPool pool(Observed(1));
  std::vector<void*> blocks;
  for (size_t alignment = 16; alignment <= size_t{4} << 20; alignment *= 2) {
    for (size_t size : {1, 5000, 100000, 3 << 20, 6 << 20}) {
      blocks.push_back(pool->Allocate(size, alignment));
      EXPECT_EQ(reinterpret_cast<uintptr_t>(blocks.back()) % alignment, 0u);
      ExpectSampled(blocks.back(), size);
      pool->Free(blocks.back());
    }
  }
  EXPECT_TRUE(observer_->live().empty());
}

TEST_P(AllocationObserverTest, AnIntervalOfOneSeesThreadsAfterTheirExitHook) {
  TestPool pool(Observed(1));
  static PooledAllocator* allocator;
  static void* late;
  allocator = pool.get();
  // Made after the allocator's own key: its destructor runs later.
  pthread_key_t key;
  ASSERT_EQ(
      pthread_key_create(&key, [](void*) { late = allocator->Allocate(777); }),
      0);
  std::thread([&] {
    pool->Free(pool->Allocate(100));
    pthread_setspecific(key, &pool);
  }).join();
  ExpectSampled(late, 777);
  pool->Free(late);
  pthread_key_delete(key);
}

TEST_P(AllocationObserverTest, AnIntervalOfOneSeesBlocksOfOtherArenas) {
  PoolOptions options = Observed(1);
  options.arenas = 2;
  options.max_direct_memory_bytes = options.chunk_size_bytes();
  TestPool pool(options);
  void* own = pool->Allocate(100);
  void* other = nullptr;
  std::thread([&] { other = pool->Allocate(100); }).join();
  ExpectSampled(own, 100);
  ExpectSampled(other, 100);
  EXPECT_EQ(pool->Stats().arenas[1].reserved_bytes, 0u);
  pool->Free(own);
  pool->Free(other);
}

TEST_P(AllocationObserverTest, MissedSamplesAreCounted) {
  PoolOptions options = Observed(1);
  options.page_size_bytes = 4096;
  options.max_order = 4;
  options.max_direct_memory_bytes = 65536;
  TestPool pool(options);
  std::vector<void*> blocks;
  // With no page left for a sample, elements of slabs still serve.
  pool->SetSampleInterval(size_t{1} << 60);
  blocks.push_back(pool->Allocate(64));
  pool->SetSampleInterval(1);
  while (void* block = pool->Allocate(64)) blocks.push_back(block);
  uint64_t unsampled = 0;
  for (void* block : blocks) {
    unsampled += PooledAllocator::SampleId(block) == 0 ? 1 : 0;
  }
  EXPECT_GT(unsampled, 1u);
  // The first was not due.
  EXPECT_EQ(pool->Stats().missed_samples, unsampled - 1);
  pool.Free(blocks);
}

TEST_P(AllocationObserverTest, WithoutMemoryForARecordItIsMissed) {
  PoolOptions options = Observed(1);
  options.max_order = 13;  // a chunk with pages for more records than there are
  TestPool pool(options);
  void* first = pool->Allocate(8192);
  pool.source.FailUse(MemorySource::Use::kMetadata, true);
  std::vector<void*> blocks;
  while (pool->Stats().missed_samples == 0) {
    blocks.push_back(pool->Allocate(8192));
    ASSERT_NE(blocks.back(), nullptr);
  }
  EXPECT_EQ(PooledAllocator::SampleId(blocks.back()), 0u);
  pool.source.FailUse(MemorySource::Use::kMetadata, false);
  pool->Free(first);
  pool.Free(blocks);
}

TEST_P(AllocationObserverTest, AnotherThreadsFreeIsTold) {
  TestPool pool(Observed(1));
  std::vector<void*> blocks = pool.Allocate(10, 100);
  blocks.push_back(pool->Allocate(5 << 20));
  EXPECT_EQ(observer_->live().size(), 11u);
  std::thread([&] { pool.Free(blocks); }).join();
  EXPECT_TRUE(observer_->live().empty());
  EXPECT_EQ(observer_->seen(), 11u);
}

TEST_P(AllocationObserverTest, UnsampledBlocksAreNotTold) {
  TestPool pool(Observed(size_t{1} << 60));
  const std::vector<void*> blocks = pool.Allocate(1000, 100);
  EXPECT_EQ(observer_->seen(), 0u);
  for (void* block : blocks) EXPECT_EQ(PooledAllocator::SampleId(block), 0u);
  pool.Free(blocks);
}

TEST_P(AllocationObserverTest, CloseIsToldBeforeTheFreesThatFollowIt) {
  PoolOptions options = Observed(1);
  absl::StatusOr<std::unique_ptr<PooledAllocator>> pool =
      PooledAllocator::Create(options);
  ASSERT_TRUE(pool.ok()) << pool.status();
  void* small = (*pool)->Allocate(100);
  void* huge = (*pool)->Allocate(5 << 20);
  EXPECT_FALSE(observer_->closed());
  pool->reset();
  EXPECT_TRUE(observer_->closed());
  EXPECT_EQ(observer_->live_at_close(), 2u);
  PooledAllocator::FreeBlock(small);
  EXPECT_EQ(observer_->live().size(), 1u);
  PooledAllocator::FreeBlock(huge);
  EXPECT_TRUE(observer_->live().empty());
  options.observer = nullptr;
  EXPECT_EQ(observer_.use_count(), 1) << "dropped with the last block";
}

// The ids of two allocators are the same.
TEST_P(AllocationObserverTest, ServesOneAllocatorAtATime) {
  PoolOptions options = Observed(1);
  options.name = "first";
  TestPool pool(options);
  options.name = "second";
  const absl::Status second = PooledAllocator::Create(options).status();
  EXPECT_EQ(second.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(second.message(),
            "allocator second: its observer serves allocator first");
  options.observer = std::make_shared<RecordingObserver>();
  EXPECT_TRUE(PooledAllocator::Create(options).ok());
}

// At the limit a request is served under a lock of the allocator's.
TEST_P(AllocationObserverTest, IsToldWithNoLockHeld) {
  PoolOptions options = Observed(1);
  options.arenas = 2;
  options.max_direct_memory_bytes = options.chunk_size_bytes();
  TestPool pool(options);
  int refused = 0;
  observer_->CallOnAllocate([&] {
    std::thread([&] {
      if (pool->Allocate(8 << 20) == nullptr) ++refused;
      EXPECT_EQ(pool->Stats().pinned_bytes % 112, 0u);
      pool->Trim();
      pool->SetSampleInterval(1);
    }).join();
  });
  void* own = pool->Allocate(112);
  void* other = nullptr;
  std::thread([&] { other = pool->Allocate(112); }).join();
  EXPECT_EQ(refused, 2);
  pool->Free(own);
  pool->Free(other);
}

TEST_P(AllocationObserverTest, OneInNWeighsN) {
  constexpr int kBlocks = 100000;
  PoolOptions options = Observed(0);
  options.sample_one_in = 128;
  TestPool pool(options);
  for (int i = 0; i < kBlocks; ++i) {
    void* block = pool->Allocate(i % 2 == 0 ? 64 : 8192);
    const uint64_t id = PooledAllocator::SampleId(block);
    if (id != 0) {
      EXPECT_EQ(observer_->live().at(id).weight, 128.0);
    }
    pool->Free(block);
  }
  // Variance of the sum: (n - 1) a block. Five standard errors: one run in two
  // million, as seeds depend on the thread's id.
  EXPECT_NEAR(observer_->weights(), kBlocks, 5 * std::sqrt(127.0 * kBlocks));
}

TEST_P(AllocationObserverTest, BlocksAlignedToPagesAreSampledWithoutBias) {
  constexpr int kBlocks = 20000;
  constexpr size_t kInterval = 262144;
  TestPool pool(Observed(kInterval));
  for (int i = 0; i < kBlocks; ++i) pool->Free(pool->Allocate(16384, 16384));
  const double p = 1 - std::exp(-16384.0 / kInterval);
  EXPECT_NEAR(observer_->weights(), kBlocks,
              5 * std::sqrt(kBlocks * (1 - p) / p));
}

TEST_P(AllocationObserverTest, TheIntervalCanBeChangedAtAnyTime) {
  TestPool pool(Observed(size_t{1} << 60));
  const auto sampled = [&](size_t size) {
    void* block = pool->Allocate(size);
    const bool result = PooledAllocator::SampleId(block) != 0;
    pool->Free(block);
    return result;
  };
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 5000; ++i) ASSERT_FALSE(sampled(256)) << i;
    pool->SetSampleInterval(1);
    // A class in use, one that was not, and a free before the first.
    for (size_t size : {256, 512, 300}) ASSERT_TRUE(sampled(size));
    for (int i = 0; i < 5000; ++i) ASSERT_TRUE(sampled(256)) << i;
    pool->SetSampleInterval(0);  // as the options say
  }
}

TEST_P(AllocationObserverTest, AChangeReachesOtherThreadsAtOnce) {
  TestPool pool(Observed(size_t{1} << 60));
  std::vector<void*> before = pool.Allocate(100, 256);
  pool.Free(before);
  std::thread([&] { pool->SetSampleInterval(1); }).join();
  void* block = pool->Allocate(256);
  EXPECT_NE(PooledAllocator::SampleId(block), 0u);
  pool->Free(block);
  PooledAllocator::MarkThreadIdle();
  std::thread([&] { pool->SetSampleInterval(0); }).join();
  block = pool->Allocate(256);
  EXPECT_EQ(PooledAllocator::SampleId(block), 0u);
  std::thread([&] { pool->SetSampleInterval(1); }).join();
  pool->Free(block);  // takes the slow path and up the change
  block = pool->Allocate(256);
  EXPECT_NE(PooledAllocator::SampleId(block), 0u);
  pool->Free(block);
}

TEST_P(AllocationObserverTest, WithoutSamplingNothingIsToldWhateverIsSet) {
  PoolOptions options = Observed(0);
  options.sampling = false;
  TestPool pool(options);
  pool->SetSampleInterval(1);
  for (size_t size : {100, 5 << 20}) {
    void* block = pool->Allocate(size);
    EXPECT_EQ(PooledAllocator::SampleId(block), 0u);
    pool->Free(block);
  }
  EXPECT_EQ(observer_->seen(), 0u);
}

TEST(SampleIdDeathTest, OfAForeignPointerIsFatal) {
  TestPool pool;  // makes the table
  int local = 0;
  EXPECT_DEATH(static_cast<void>(PooledAllocator::SampleId(&local)),
               "which no allocator of this library handed out");
}

}  // namespace
}  // namespace poolscope
