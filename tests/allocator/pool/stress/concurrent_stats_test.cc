// Everything at once: threads at work, snapshots, upkeep, threads that come and
// go. Identities hold in each snapshot, and nothing is left at the end.
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/tests/allocator/pool/both_layouts.h"
#include "poolscope/tests/allocator/pool/stress/block.h"
#include "poolscope/tests/allocator/pool/stress/stats_identities.h"
#include "poolscope/tests/allocator/pool/stress/threads.h"
#include "poolscope/tests/allocator/pool/stress/trace.h"
#include "poolscope/tests/allocator/pool/stress/work_scale.h"

namespace poolscope {
namespace {

struct LoadCase {
  std::string name;
  bool caches;
  size_t limit_bytes;
  size_t sample_interval_bytes;
};

class ConcurrentStatsTest : public TestOverLayoutsAnd<LoadCase> {
 protected:
  static constexpr int kWorkers = 8;

  void SetUp() override {
    PoolOptions options;
    options.layout = layout();
    options.name = param().name;
    options.max_direct_memory_bytes = param().limit_bytes;
    options.max_order = 6;  // chunks of 512 KiB, so that many come and go
    options.arenas = 3;
    options.use_thread_caches = param().caches;
    options.sample_interval_bytes = param().sample_interval_bytes;
    options.thread_cache_trim_interval = 1024;
    options.thread_cache_idle_trim = absl::ZeroDuration();
    options.empty_chunk_decay = absl::Milliseconds(1);
    auto pool = PooledAllocator::Create(options);
    ASSERT_TRUE(pool.ok()) << pool.status();
    pool_ = *std::move(pool);
  }

  void Free(const Block& block) {
    EXPECT_TRUE(BlockIsIntact(block)) << block.size << " bytes";
    pool_->Free(block.address);
  }

  // Allocates, frees, hands on.
  void Work(Random* random, int steps) {
    std::vector<Block> blocks;
    const size_t chunk_bytes = pool_->options().chunk_size_bytes();
    for (int i = 0; i < steps; ++i) {
      const uint64_t dice = Below(random, 100);
      if (dice < 10 && !blocks.empty()) {
        handovers_[Below(random, kWorkers)].Put(blocks.back());
        blocks.pop_back();
      } else if (dice < 20) {
        std::optional<Block> block =
            handovers_[Below(random, kWorkers)].TryTake();
        if (block.has_value()) Free(*block);
      } else if (blocks.size() < Below(random, 100)) {
        Block block{nullptr, RandomSize(random, chunk_bytes), (*random)()};
        block.address = pool_->Allocate(block.size);
        if (block.address == nullptr) continue;
        FillBlock(block);
        blocks.push_back(block);
      } else if (!blocks.empty()) {
        std::swap(blocks[Below(random, blocks.size())], blocks.back());
        Free(blocks.back());
        blocks.pop_back();
      }
      switch (Below(random, 3000)) {
        case 0:
          PooledAllocator::MarkThreadIdle();
          break;
        case 1:
          pool_->SetThreadCacheEnabled(false);
          break;
        case 2:
          pool_->SetThreadCacheEnabled(true);
          break;
      }
    }
    for (const Block& block : blocks) Free(block);
  }

  // Snapshots, one after the other, until the work is done.
  void Watch(StatsOptions wanted, int* snapshots) {
    AllocatorStats before = pool_->Stats(wanted);
    while (!done_) {
      AllocatorStats now = pool_->Stats(wanted);
      ++*snapshots;
      const std::string broken = BrokenIdentity(now);
      EXPECT_EQ(broken, "");
      const std::string fell = CounterThatFell(before, now);
      EXPECT_EQ(fell, "");
      EXPECT_GT(now.snapshot_id, before.snapshot_id);
      if (HasFailure()) return;
      before = std::move(now);
    }
  }

  std::unique_ptr<PooledAllocator> pool_;
  std::vector<Handover> handovers_{kWorkers};
  std::atomic<bool> done_{false};
};

TEST_P(ConcurrentStatsTest, IdentitiesHoldUnderLoad) {
  std::vector<std::thread> workers;
  for (int w = 0; w < kWorkers; ++w) {
    workers.emplace_back([this, w] {
      Random random(w);
      if (w % 2 == 0) {
        Work(&random, Scaled(40000));
        return;
      }
      // Half of the work is done by threads that live shortly.
      for (int i = 0; i < 20; ++i) {
        std::thread([&] { Work(&random, Scaled(2000)); }).join();
      }
    });
  }
  int plain = 0;
  int detailed = 0;
  std::vector<std::thread> watchers;
  watchers.emplace_back([&] { Watch(StatsOptions{}, &plain); });
  watchers.emplace_back([&] { Watch(StatsOptions{true, true}, &detailed); });
  watchers.emplace_back([this] {
    while (!done_) {
      pool_->Maintain();
      pool_->Trim();
      std::this_thread::yield();
    }
  });
  watchers.emplace_back([this] {
    while (!done_ && !HasFailure()) {
      const absl::Status status = pool_->CheckInvariants();
      EXPECT_TRUE(status.ok()) << status;
      std::this_thread::yield();
    }
  });
  for (std::thread& worker : workers) worker.join();
  done_ = true;
  for (std::thread& watcher : watchers) watcher.join();
  EXPECT_GT(plain, 0);
  EXPECT_GT(detailed, 0);

  for (Handover& handover : handovers_) {
    while (std::optional<Block> block = handover.TryTake()) Free(*block);
  }
  // Sends the last ones on their way to where they belong.
  PooledAllocator::MarkThreadIdle();
  const AllocatorStats stats = pool_->Stats(StatsOptions{true, true});
  EXPECT_EQ(BrokenIdentity(stats), "");
  EXPECT_EQ(ActiveBlocks(stats), 0);
  EXPECT_EQ(stats.pinned_bytes, 0);
  EXPECT_EQ(stats.huge_used_bytes, 0);
  EXPECT_EQ(stats.sampled_live_allocations, 0);
  uint64_t pinned_in_chunks = 0;
  for (const ChunkStats& chunk : stats.chunks) {
    pinned_in_chunks += chunk.pinned_bytes;
  }
  EXPECT_EQ(pinned_in_chunks, 0);
  EXPECT_TRUE(pool_->CheckInvariants().ok()) << pool_->CheckInvariants();

  // With every other thread gone, no cache and no chunk need remain.
  pool_->Trim();
  const AllocatorStats trimmed = pool_->Stats();
  EXPECT_EQ(trimmed.direct_used_bytes, 0);
  EXPECT_EQ(trimmed.cached_bytes, 0);
  EXPECT_EQ(BrokenIdentity(trimmed), "");
}

INSTANTIATE_TEST_SUITE_P(
    Loads, ConcurrentStatsTest,
    testing::Combine(
        BothLayouts(),
        testing::Values(LoadCase{"caches", true, 256 << 20, 0},
                        LoadCase{"often_sampled", true, 256 << 20, 4096},
                        LoadCase{"tight_limit", true, 8 << 20, 65536},
                        LoadCase{"no_caches", false, 256 << 20, 0})),
    ConcurrentStatsTest::Name);

}  // namespace
}  // namespace poolscope
