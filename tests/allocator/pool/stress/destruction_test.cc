// Allocators, their blocks and the threads that used them, ended in any order.
#include <atomic>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/tests/allocator/pool/both_layouts.h"
#include "poolscope/tests/allocator/pool/fake_memory_source.h"
#include "poolscope/tests/allocator/pool/stress/block.h"
#include "poolscope/tests/allocator/pool/stress/threads.h"
#include "poolscope/tests/allocator/pool/stress/trace.h"
#include "poolscope/tests/allocator/pool/stress/work_scale.h"

namespace poolscope {
namespace {

constexpr size_t kHugeBytes = 5 << 20;

class DestructionTest : public testing::TestWithParam<ChunkLayout> {
 protected:
  ~DestructionTest() override {
    EXPECT_EQ(source_.live_mappings(MemorySource::Use::kBlocks), 0);
    EXPECT_EQ(source_.live_mappings(MemorySource::Use::kMetadata), 0);
  }

  PoolOptions Options() {
    PoolOptions options;
    options.layout = GetParam();
    options.max_direct_memory_bytes = 256 << 20;
    options.arenas = 2;
    options.memory_source = &source_;
    return options;
  }

  std::unique_ptr<PooledAllocator> Create() {
    auto pool = PooledAllocator::Create(Options());
    EXPECT_TRUE(pool.ok()) << pool.status();
    return *std::move(pool);
  }

  bool NothingMapped() const {
    return source_.live_mappings(MemorySource::Use::kBlocks) == 0 &&
           source_.live_mappings(MemorySource::Use::kMetadata) == 0;
  }

  FakeMemorySource source_;
};
INSTANTIATE_TEST_SUITE_P(Layouts, DestructionTest, BothLayouts(),
                         LayoutTestName);

std::vector<Block> AllocateSome(PooledAllocator* pool) {
  std::vector<Block> blocks;
  for (size_t size : {size_t{1}, size_t{64}, size_t{1000}, size_t{14336},
                      size_t{200000}, kHugeBytes}) {
    for (int i = 0; i < 5; ++i) {
      const Block block{pool->Allocate(size), size, blocks.size()};
      EXPECT_NE(block.address, nullptr) << PooledAllocator::LastRefusal();
      if (block.address == nullptr) continue;
      FillBlock(block);
      blocks.push_back(block);
    }
  }
  return blocks;
}

void FreeAll(std::vector<Block>* blocks) {
  for (const Block& block : *blocks) {
    EXPECT_TRUE(BlockIsIntact(block)) << block.size << " bytes";
    PooledAllocator::FreeBlock(block.address);
  }
  blocks->clear();
}

TEST_P(DestructionTest, BlocksOutliveTheirAllocatorOnOneThread) {
  std::unique_ptr<PooledAllocator> pool = Create();
  std::vector<Block> blocks = AllocateSome(pool.get());
  pool.reset();
  EXPECT_FALSE(NothingMapped());
  FreeAll(&blocks);
  EXPECT_TRUE(NothingMapped());
}

TEST_P(DestructionTest, BlocksAreFreedByThreadsThatNeverUsedTheAllocator) {
  std::unique_ptr<PooledAllocator> pool = Create();
  std::vector<Block> blocks = AllocateSome(pool.get());
  pool.reset();
  std::thread([&] { FreeAll(&blocks); }).join();
  EXPECT_TRUE(NothingMapped());
}

TEST_P(DestructionTest, BlocksAreFreedByThreadsThatOutliveTheAllocator) {
  std::unique_ptr<PooledAllocator> pool = Create();
  WorkerThread a;
  WorkerThread b;
  std::vector<Block> of_a;
  std::vector<Block> of_b;
  std::vector<Block> mine = AllocateSome(pool.get());
  a.Run([&] { of_a = AllocateSome(pool.get()); });
  b.Run([&] { of_b = AllocateSome(pool.get()); });
  pool.reset();
  a.Run([&] { FreeAll(&of_b); });
  b.Run([&] { FreeAll(&of_a); });
  a.Run([&] { FreeAll(&mine); });
  a.Exit();
  EXPECT_FALSE(NothingMapped());  // b still holds a cache
  b.Exit();
  EXPECT_TRUE(NothingMapped());
}

TEST_P(DestructionTest, TheLastBlockComesBackAfterEveryThreadHasGone) {
  std::unique_ptr<PooledAllocator> pool = Create();
  std::vector<Block> blocks;
  {
    WorkerThread worker;
    worker.Run([&] { blocks = AllocateSome(pool.get()); });
    pool.reset();
  }
  EXPECT_FALSE(NothingMapped());
  FreeAll(&blocks);
  EXPECT_TRUE(NothingMapped());
}

TEST_P(DestructionTest, AnAllocatorOutlivesItsThreads) {
  std::unique_ptr<PooledAllocator> pool = Create();
  std::vector<Block> blocks;
  {
    WorkerThread worker;
    worker.Run([&] { blocks = AllocateSome(pool.get()); });
  }
  EXPECT_EQ(ActiveBlocks(pool->Stats()), blocks.size());
  FreeAll(&blocks);
  EXPECT_EQ(ActiveBlocks(pool->Stats()), 0);
  EXPECT_TRUE(pool->CheckInvariants().ok()) << pool->CheckInvariants();
}

TEST_P(DestructionTest, ANewAllocatorAtTheSameAddressGetsACacheOfItsOwn) {
  WorkerThread worker;
  const PooledAllocator* former = nullptr;
  std::unique_ptr<PooledAllocator> pool;
  int met = 0;
  for (int i = 0; i < 50; ++i) {
    {
      // The heap hands out last what was freed first: with the right number of
      // these in front of it, the former allocator's place comes up again.
      std::vector<std::unique_ptr<uint64_t>> in_front;
      for (int n = 0; n < i % 7; ++n) {
        in_front.push_back(std::make_unique<uint64_t>());
      }
      pool.reset();
    }
    pool = Create();
    if (pool.get() == former) ++met;
    former = pool.get();
    std::vector<Block> blocks;
    worker.Run([&] {
      blocks = AllocateSome(pool.get());
      FreeAll(&blocks);
      blocks = AllocateSome(pool.get());
    });
    EXPECT_EQ(ActiveBlocks(pool->Stats()), blocks.size());
    EXPECT_EQ(pool->Stats().thread_cache_count, 1);
    if (i % 2 == 0) worker.Run([&] { FreeAll(&blocks); });
    FreeAll(&blocks);
  }
  // A sanitizer's heap keeps what was freed for a while.
  EXPECT_TRUE(met > 0 || kSlowdown > 1) << "no address was used twice";
}

TEST_P(DestructionTest, SeveralAllocatorsShareAThread) {
  // More than a thread keeps caches for.
  constexpr int kAllocators = 11;
  std::vector<std::unique_ptr<PooledAllocator>> pools;
  std::vector<std::vector<Block>> blocks(kAllocators);
  for (int i = 0; i < kAllocators; ++i) pools.push_back(Create());
  WorkerThread worker;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < kAllocators; ++i) {
      for (int n = 0; n < 100; ++n) {
        const Block block{pools[i]->Allocate(100 + i), size_t(100 + i),
                          uint64_t(n)};
        ASSERT_NE(block.address, nullptr);
        FillBlock(block);
        blocks[i].push_back(block);
      }
    }
    for (int i = 0; i < kAllocators; ++i) {
      EXPECT_EQ(ActiveBlocks(pools[i]->Stats()), 100);
      if ((i + round) % 2 == 0) {
        worker.Run([&] { FreeAll(&blocks[i]); });
      } else {
        FreeAll(&blocks[i]);
      }
      EXPECT_EQ(ActiveBlocks(pools[i]->Stats()), 0);
      EXPECT_TRUE(pools[i]->CheckInvariants().ok())
          << pools[i]->CheckInvariants();
    }
  }
}

TEST_P(DestructionTest, AThreadThatGoesOnLetsGoOfADestroyedAllocator) {
  std::unique_ptr<PooledAllocator> other = Create();
  FakeMemorySource own_source;
  PoolOptions options = Options();
  options.memory_source = &own_source;
  auto created = PooledAllocator::Create(options);
  ASSERT_TRUE(created.ok()) << created.status();
  std::unique_ptr<PooledAllocator> pool = *std::move(created);
  WorkerThread worker;
  worker.Run([&] {
    pool->Free(pool->Allocate(100));
    other->Free(other->Allocate(100));
  });
  pool.reset();
  worker.Run([&] {
    for (size_t size = 1; size < (1 << 20); size *= 2) {
      other->Free(other->Allocate(size));
    }
    PooledAllocator::MarkThreadIdle();
    other->Free(other->Allocate(100));
  });
  EXPECT_EQ(own_source.live_mappings(MemorySource::Use::kBlocks), 0);
  EXPECT_EQ(own_source.live_mappings(MemorySource::Use::kMetadata), 0);
  worker.Exit();
  EXPECT_EQ(own_source.live_mappings(MemorySource::Use::kMetadata), 0);
}

TEST_P(DestructionTest, ADestroyedAllocatorKeepsOnlyWhatIsInUse) {
  FakeMemorySource own_source;
  PoolOptions options = Options();
  options.memory_source = &own_source;
  auto created = PooledAllocator::Create(options);
  ASSERT_TRUE(created.ok()) << created.status();
  std::vector<void*> blocks;
  for (int i = 0; i < 12; ++i) blocks.push_back((*created)->Allocate(1 << 20));
  void* last = blocks.back();
  blocks.pop_back();
  for (void* block : blocks) (*created)->Free(block);
  created->reset();
  EXPECT_EQ(own_source.live_mappings(MemorySource::Use::kBlocks), 1);
  PooledAllocator::FreeBlock(last);
  EXPECT_EQ(own_source.live_mappings(MemorySource::Use::kBlocks), 0);
}

TEST_P(DestructionTest, ThreadsExitWhileTheAllocatorIsDestroyed) {
  for (int round = 0; round < Scaled(2000); ++round) {
    std::unique_ptr<PooledAllocator> pool = Create();
    constexpr int kThreads = 4;
    Barrier used(kThreads + 1);
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] {
        pool->Free(pool->Allocate(100));
        used.Arrive();
      });
    }
    used.Arrive();
    pool.reset();
    for (std::thread& thread : threads) thread.join();
    ASSERT_TRUE(NothingMapped()) << "round " << round;
  }
}

TEST_P(DestructionTest, LastBlocksAreFreedWhileTheAllocatorIsDestroyed) {
  WorkerThread worker;
  for (int round = 0; round < Scaled(5000); ++round) {
    std::unique_ptr<PooledAllocator> pool = Create();
    void* block = pool->Allocate(round % 2 == 0 ? 100 : kHugeBytes);
    ASSERT_NE(block, nullptr);
    Barrier barrier(2);
    worker.Start([&] {
      barrier.Arrive();
      PooledAllocator::FreeBlock(block);
    });
    barrier.Arrive();
    pool.reset();
    worker.Wait();
  }
}

// Destroyed at exit after the allocator that is made in its lifetime, the
// system's memory source included.
struct FreesAtExit {
  ~FreesAtExit() {
    for (void* block : blocks) PooledAllocator::FreeBlock(block);
  }
  std::vector<void*> blocks;
};

TEST(DestructionDeathTest, AStaticAllocatorEndsBeforeThreadsAndBlocks) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        static FreesAtExit late;
        static std::unique_ptr<PooledAllocator> pool =
            *PooledAllocator::Create(PoolOptions{});
        for (size_t size : {size_t{1}, size_t{14336}, kHugeBytes}) {
          late.blocks.push_back(pool->Allocate(size));
        }
        std::atomic<bool> used{false};
        std::thread([&used] {
          // Never freed: this thread does not end before the process.
          static std::vector<void*> held;
          held.push_back(pool->Allocate(100));
          held.push_back(pool->Allocate(kHugeBytes));
          used = true;
          Handover never;
          never.Take();
        }).detach();
        while (!used) std::this_thread::yield();
        std::exit(0);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace poolscope
