// Threads that end: what they leave behind, and what they free while ending.
#include <pthread.h>

#include <cstdint>
#include <memory>
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

class ThreadExitTest : public testing::TestWithParam<ChunkLayout> {
 protected:
  void SetUp() override {
    PoolOptions options;
    options.layout = GetParam();
    options.max_direct_memory_bytes = 512 << 20;
    options.arenas = 3;
    options.memory_source = &source_;
    auto pool = PooledAllocator::Create(options);
    ASSERT_TRUE(pool.ok()) << pool.status();
    pool_ = *std::move(pool);
  }

  ~ThreadExitTest() override {
    ExpectNothingInUse();
    // With every other thread gone, no block is on its way either.
    pool_->Trim();
    const AllocatorStats trimmed = pool_->Stats();
    EXPECT_EQ(trimmed.cached_bytes, 0);
    EXPECT_EQ(trimmed.direct_used_bytes, 0);
    pool_.reset();
    EXPECT_EQ(source_.live_mappings(MemorySource::Use::kBlocks), 0);
    EXPECT_EQ(source_.live_mappings(MemorySource::Use::kMetadata), 0);
  }

  void ExpectNothingInUse() {
    const AllocatorStats stats = pool_->Stats();
    EXPECT_EQ(ActiveBlocks(stats), 0);
    EXPECT_EQ(stats.pinned_bytes, 0);
    EXPECT_TRUE(pool_->CheckInvariants().ok()) << pool_->CheckInvariants();
  }

  void AllocateSome(uint64_t seed, int count, std::vector<Block>* into) {
    Random random(seed);
    for (int i = 0; i < count; ++i) {
      const size_t size = i % 50 == 0 ? 5 << 20 : Below(&random, 40000);
      const Block block{pool_->Allocate(size), size, random()};
      ASSERT_NE(block.address, nullptr) << PooledAllocator::LastRefusal();
      FillBlock(block);
      into->push_back(block);
    }
  }

  void FreeAll(std::vector<Block>* blocks) {
    for (const Block& block : *blocks) {
      EXPECT_TRUE(BlockIsIntact(block)) << block.size << " bytes";
      pool_->Free(block.address);
    }
    blocks->clear();
  }

  FakeMemorySource source_;
  std::unique_ptr<PooledAllocator> pool_;
};
INSTANTIATE_TEST_SUITE_P(Layouts, ThreadExitTest, BothLayouts(),
                         LayoutTestName);

TEST_P(ThreadExitTest, ASurvivorFreesWhatShortThreadsLeave) {
  std::vector<Block> left;
  uint64_t metadata_bytes = 0;
  for (int i = 0; i < 200; ++i) {
    std::thread([&] {
      std::vector<Block> own;
      AllocateSome(i, 60, &own);
      for (size_t n = 0; n < own.size(); ++n) {
        if (n % 3 == 0) {
          left.push_back(own[n]);
        } else {
          pool_->Free(own[n].address);
        }
      }
    }).join();
    // The survivor frees later than the thread ended, but before the end.
    if (i % 10 == 9) FreeAll(&left);
    if (i == 49) metadata_bytes = pool_->Stats().metadata_bytes;
  }
  FreeAll(&left);
  const AllocatorStats stats = pool_->Stats();
  // The caches of threads that exited serve those that follow.
  EXPECT_EQ(stats.metadata_bytes, metadata_bytes);
  // This thread's own is the only one left in use.
  EXPECT_EQ(stats.thread_cache_count, 1);
  EXPECT_GT(stats.thread_cache_evictions[static_cast<int>(
                EvictionReason::kThreadExit)],
            0);
}

TEST_P(ThreadExitTest, ThreadsThatComeAndGoTogetherShareTheCachesOfFormerOnes) {
  constexpr int kThreads = 10;
  uint64_t metadata_bytes = 0;
  for (int round = 0; round < 20; ++round) {
    std::vector<std::vector<Block>> left(kThreads);
    std::vector<std::thread> threads;
    Barrier all_attached(kThreads + 1);
    Barrier seen(kThreads + 1);
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        AllocateSome(t, 20, &left[t]);
        all_attached.Arrive();
        seen.Arrive();
      });
    }
    all_attached.Arrive();
    // Each went to the arena that had the fewest threads, this one included.
    const AllocatorStats stats = pool_->Stats();
    for (const ArenaStats& arena : stats.arenas) {
      EXPECT_GE(arena.thread_caches, 3);
      EXPECT_LE(arena.thread_caches, 4);
    }
    seen.Arrive();
    for (std::thread& thread : threads) thread.join();
    EXPECT_LE(pool_->Stats().thread_cache_count, 1);
    for (std::vector<Block>& blocks : left) FreeAll(&blocks);
    if (round == 9) metadata_bytes = pool_->Stats().metadata_bytes;
  }
  EXPECT_EQ(pool_->Stats().metadata_bytes, metadata_bytes);
}

// Frees what it holds, as a member of thread-local objects does.
struct FreesOnExit {
  ~FreesOnExit() {
    for (void* block : blocks) PooledAllocator::FreeBlock(block);
  }
  std::vector<void*> blocks;
};

TEST_P(ThreadExitTest, ThreadLocalDestructorsFree) {
  void* mine = pool_->Allocate(100);
  for (int i = 0; i < 20; ++i) {
    std::thread([&] {
      static thread_local FreesOnExit on_exit;
      for (size_t size : {16, 100, 14336, 5 << 20}) {
        on_exit.blocks.push_back(pool_->Allocate(size));
      }
      if (i == 0) on_exit.blocks.push_back(mine);
    }).join();
  }
  ExpectNothingInUse();
}

// Frees and allocates in the destructor of a key that glibc calls after the
// pool's own: keys end in the order of their creation, and it sets itself
// again until the last round.
struct LateUse {
  PooledAllocator* pool;
  pthread_key_t key;
  std::vector<void*> blocks;
  int rounds = 0;
  int allocated = 0;
};

void OnLateExit(void* argument) {
  LateUse* use = static_cast<LateUse*>(argument);
  if (++use->rounds < 3) {
    pthread_setspecific(use->key, use);
    return;
  }
  for (void* block : use->blocks) PooledAllocator::FreeBlock(block);
  for (size_t size : {16, 1000, 14336, 1 << 20, 5 << 20}) {
    void* block = use->pool->Allocate(size);
    if (block == nullptr) continue;
    ++use->allocated;
    use->pool->Free(block);
  }
}

TEST_P(ThreadExitTest, KeyDestructorsThatRunLaterFreeAndAllocate) {
  LateUse use;
  use.pool = pool_.get();
  ASSERT_EQ(pthread_key_create(&use.key, OnLateExit), 0);
  std::vector<void*> of_worker;
  WorkerThread worker;
  worker.Run([&] {
    for (int i = 0; i < 300; ++i) of_worker.push_back(pool_->Allocate(100));
    for (int i = 0; i < 30; ++i) of_worker.push_back(pool_->Allocate(14336));
  });
  std::thread([&] {
    pthread_setspecific(use.key, &use);
    for (size_t size : {16, 100, 14336, 1 << 20, 5 << 20}) {
      for (int i = 0; i < 5; ++i) use.blocks.push_back(pool_->Allocate(size));
    }
    // Another thread's, whose cache is in use.
    for (void* block : of_worker) use.blocks.push_back(block);
  }).join();
  pthread_key_delete(use.key);
  EXPECT_EQ(use.rounds, 3);
  EXPECT_EQ(use.allocated, 5);
  ExpectNothingInUse();
  // They find their way to the owner.
  worker.Run([] { PooledAllocator::MarkThreadIdle(); });
  worker.Exit();
  pool_->Trim();
  EXPECT_EQ(pool_->Stats().direct_used_bytes, 0);
}

TEST_P(ThreadExitTest, BlocksOnTheirWayAreShownWhoeverFreedBefore) {
  // Blocks freed by a thread that has no cache any more...
  LateUse use;
  use.pool = pool_.get();
  ASSERT_EQ(pthread_key_create(&use.key, OnLateExit), 0);
  WorkerThread owner;
  owner.Run([&] {
    for (int i = 0; i < 500; ++i) use.blocks.push_back(pool_->Allocate(1024));
  });
  std::thread([&] {
    pool_->Free(pool_->Allocate(16));
    pthread_setspecific(use.key, &use);
  }).join();
  pthread_key_delete(use.key);
  // ...are taken up by their owner.
  std::vector<void*> blocks;
  owner.Run([&] {
    PooledAllocator::MarkThreadIdle();
    for (int i = 0; i < 290; ++i) blocks.push_back(pool_->Allocate(1024));
  });
  const uint64_t before = pool_->Stats().cached_bytes;
  // Those that another thread sends on their way now are not with the owner
  // yet, nor in use.
  std::thread([&] {
    for (void* block : blocks) pool_->Free(block);
  }).join();
  const AllocatorStats stats = pool_->Stats();
  EXPECT_EQ(stats.pinned_bytes, 0);
  // But for the few sampled ones, which go to the arena at once.
  EXPECT_GE(stats.cached_bytes, before + blocks.size() * 1024 * 9 / 10);
}

TEST_P(ThreadExitTest, OwnersExitWhileOthersFree) {
  for (int round = 0; round < Scaled(300); ++round) {
    constexpr int kFreers = 3;
    std::vector<std::vector<Block>> blocks(kFreers);
    Barrier barrier(kFreers + 1);
    std::thread owner([&] {
      for (int f = 0; f < kFreers; ++f) AllocateSome(f, 45, &blocks[f]);
      barrier.Arrive();
    });
    std::vector<std::thread> freers;
    for (int f = 0; f < kFreers; ++f) {
      freers.emplace_back([&, f] {
        barrier.Arrive();
        FreeAll(&blocks[f]);
      });
    }
    owner.join();
    for (std::thread& freer : freers) freer.join();
    if (round % 50 == 0) ExpectNothingInUse();
  }
}

// Each block travels alone, so that some arrive just as the queue is closed.
TEST_P(ThreadExitTest, OwnersExitWhileSmallBlocksArrive) {
  constexpr int kFreers = 2;
  constexpr int kBlocks = 400;
  for (int round = 0; round < Scaled(300); ++round) {
    std::vector<std::vector<void*>> blocks(kFreers);
    Barrier barrier(kFreers + 1);
    std::thread owner([&] {
      for (std::vector<void*>& some : blocks) {
        for (int i = 0; i < kBlocks; ++i) {
          some.push_back(pool_->Allocate(1024));
        }
      }
      barrier.Arrive();
    });
    std::vector<std::thread> freers;
    for (std::vector<void*>& some : blocks) {
      freers.emplace_back([&] {
        barrier.Arrive();
        for (void* block : some) {
          pool_->Free(block);
          PooledAllocator::MarkThreadIdle();  // sends it on its way
        }
      });
    }
    owner.join();
    for (std::thread& freer : freers) freer.join();
  }
}

}  // namespace
}  // namespace poolscope
