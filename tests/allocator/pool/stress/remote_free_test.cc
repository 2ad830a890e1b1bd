// Blocks freed by other threads than those that allocated them.
#include <atomic>
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

class RemoteFreeTest : public testing::TestWithParam<ChunkLayout> {
 protected:
  void SetUp() override {
    PoolOptions options;
    options.layout = GetParam();
    options.max_direct_memory_bytes = 512 << 20;
    options.arenas = 2;
    options.sample_interval_bytes = 1 << 20;
    options.memory_source = &source_;
    auto pool = PooledAllocator::Create(options);
    ASSERT_TRUE(pool.ok()) << pool.status();
    pool_ = *std::move(pool);
  }

  ~RemoteFreeTest() override {
    const AllocatorStats stats = pool_->Stats();
    EXPECT_EQ(ActiveBlocks(stats), 0);
    EXPECT_EQ(stats.pinned_bytes, 0);
    EXPECT_TRUE(pool_->CheckInvariants().ok()) << pool_->CheckInvariants();
    pool_.reset();
    EXPECT_EQ(source_.live_mappings(MemorySource::Use::kBlocks), 0);
    EXPECT_EQ(source_.live_mappings(MemorySource::Use::kMetadata), 0);
  }

  Block Allocate(Random* random, size_t bound) {
    Block block{nullptr, Below(random, bound), (*random)()};
    block.address = pool_->Allocate(block.size);
    EXPECT_NE(block.address, nullptr) << PooledAllocator::LastRefusal();
    FillBlock(block);
    return block;
  }

  void Free(const Block& block) {
    EXPECT_TRUE(BlockIsIntact(block)) << block.size << " bytes";
    pool_->Free(block.address);
  }

  FakeMemorySource source_;
  std::unique_ptr<PooledAllocator> pool_;
};
INSTANTIATE_TEST_SUITE_P(Layouts, RemoteFreeTest, BothLayouts(),
                         LayoutTestName);

TEST_P(RemoteFreeTest, ProducersAndConsumersInPairs) {
  constexpr int kPairs = 3;
  const int messages = Scaled(60000);
  // Bounded, so that memory must come home for the producer to go on.
  struct Pair {
    Handover full;
    Handover tokens;
  };
  std::vector<Pair> pairs(kPairs);
  std::vector<std::thread> threads;
  for (int p = 0; p < kPairs; ++p) {
    for (int i = 0; i < 256; ++i) pairs[p].tokens.Put(Block{});
    threads.emplace_back([&, p] {
      Random random(p);
      for (int i = 0; i < messages; ++i) {
        pairs[p].tokens.Take();
        pairs[p].full.Put(Allocate(&random, p == 0 ? 300 : 20000));
      }
      pairs[p].full.Close();
    });
    threads.emplace_back([&, p] {
      while (std::optional<Block> block = pairs[p].full.Take()) {
        Free(*block);
        pairs[p].tokens.Put(Block{});
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const AllocatorStats stats = pool_->Stats();
  // All but the sampled ones travelled home.
  EXPECT_GT(stats.remote_frees, uint64_t(kPairs) * messages / 2);
  // At most 256 blocks of 20000 bytes a pair were alive at once; what else was
  // mapped waited to be used again.
  EXPECT_LT(stats.direct_peak_bytes, 128 << 20);
}

TEST_P(RemoteFreeTest, OneOwnerManyFreers) {
  constexpr int kFreers = 6;
  Handover blocks;
  Handover tokens;
  for (int i = 0; i < 1000; ++i) tokens.Put(Block{});
  std::vector<std::thread> freers;
  for (int f = 0; f < kFreers; ++f) {
    freers.emplace_back([&] {
      while (std::optional<Block> block = blocks.Take()) {
        Free(*block);
        tokens.Put(Block{});
      }
    });
  }
  WorkerThread owner;
  owner.Run([&] {
    Random random(1);
    for (int i = 0; i < Scaled(100000); ++i) {
      tokens.Take();
      blocks.Put(Allocate(&random, 5000));
    }
    blocks.Close();
  });
  for (std::thread& freer : freers) freer.join();
  owner.Exit();
  EXPECT_LT(pool_->Stats().direct_peak_bytes, 128 << 20);
}

TEST_P(RemoteFreeTest, ASleepingOwnersBlocksAreFreedAndTrimmed) {
  WorkerThread owner;
  WorkerThread freer;
  WorkerThread other_freer;
  WorkerThread trimmer;
  Random random(1);
  for (int round = 0; round < Scaled(200); ++round) {
    std::vector<Block> blocks;
    owner.Run([&] {
      for (int i = 0; i < 600; ++i) blocks.push_back(Allocate(&random, 16000));
      PooledAllocator::MarkThreadIdle();
    });
    std::atomic<bool> freed{false};
    const auto free_part = [&](size_t from) {
      for (size_t i = from; i < blocks.size(); i += 2) Free(blocks[i]);
      PooledAllocator::MarkThreadIdle();
    };
    trimmer.Start([&] {
      while (!freed) pool_->Trim();
    });
    freer.Start([&] { free_part(0); });
    other_freer.Start([&] { free_part(1); });
    freer.Wait();
    other_freer.Wait();
    freed = true;
    trimmer.Wait();
    // Nobody works, and everybody said so: all of it goes back.
    trimmer.Run([&] { pool_->Trim(); });
    EXPECT_EQ(source_.live_bytes(MemorySource::Use::kBlocks), 0)
        << "round " << round;
  }
}

TEST_P(RemoteFreeTest, TheOwnerWakesWhileOthersFreeAndTrim) {
  WorkerThread freer;
  WorkerThread trimmer;
  std::atomic<bool> done{false};
  Handover blocks;
  trimmer.Start([&] {
    while (!done) {
      pool_->Trim();
      std::this_thread::yield();
    }
  });
  freer.Start([&] {
    while (std::optional<Block> block = blocks.Take()) Free(*block);
  });
  Random random(7);
  for (int i = 0; i < Scaled(40000); ++i) {
    blocks.Put(Allocate(&random, 3000));
    if (i % 10 == 0) PooledAllocator::MarkThreadIdle();
  }
  blocks.Close();
  freer.Wait();
  done = true;
  trimmer.Wait();
}

TEST_P(RemoteFreeTest, EveryoneFreesForEveryone) {
  constexpr int kThreads = 6;
  std::vector<Handover> inboxes(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      Random random(t);
      for (int i = 0; i < Scaled(20000); ++i) {
        inboxes[Below(&random, kThreads)].Put(Allocate(&random, 2000));
        if (std::optional<Block> block = inboxes[t].TryTake()) Free(*block);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (Handover& inbox : inboxes) {
    while (std::optional<Block> block = inbox.TryTake()) Free(*block);
  }
}

}  // namespace
}  // namespace poolscope
