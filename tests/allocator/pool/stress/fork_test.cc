// fork() beside threads at work: the child may use the pool at once.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/tests/allocator/pool/both_layouts.h"
#include "poolscope/tests/allocator/pool/recording_observer.h"
#include "poolscope/tests/allocator/pool/stress/block.h"
#include "poolscope/tests/allocator/pool/stress/trace.h"
#include "poolscope/tests/allocator/pool/stress/work_scale.h"

namespace poolscope {
namespace {

constexpr size_t kSizes[] = {1, 100, 3000, 14336, 1 << 20, 4 << 20, 5 << 20};

struct ForkCase {
  std::string name;
  bool caches;
};

class ForkTest : public TestOverLayoutsAnd<ForkCase> {
 protected:
  static constexpr int kThreads = 4;

  void SetUp() override {
    PoolOptions options;
    options.layout = layout();
    options.max_direct_memory_bytes = 512 << 20;
    options.arenas = 2;
    options.use_thread_caches = param().caches;
    options.empty_chunk_decay = absl::ZeroDuration();
    options.sample_interval_bytes = 65536;
    options.observer = std::make_shared<RecordingObserver>();
    auto pool = PooledAllocator::Create(options);
    ASSERT_TRUE(pool.ok()) << pool.status();
    pool_ = *std::move(pool);
  }

  // Until `stop_`; blocks pass from thread to thread through slots_.
  void Work(uint64_t seed) {
    Random random(seed);
    while (!stop_.load(std::memory_order_relaxed)) {
      void* block = pool_->Allocate(RandomSize(&random, 4 << 20));
      void* other = slots_[Below(&random, kSlots)].exchange(block);
      if (other != nullptr) pool_->Free(other);
      if (Below(&random, 200) == 0) PooledAllocator::MarkThreadIdle();
      rounds_.fetch_add(1, std::memory_order_relaxed);
    }
  }

  // What the child does: its parent's blocks, its own, of every size, and the
  // upkeep. The exit code says where it failed.
  int InChild(const std::vector<Block>& blocks) {
    for (const Block& block : blocks) {
      if (!BlockIsIntact(block)) return 2;
      pool_->Free(block.address);
    }
    for (int round = 0; round < 3; ++round) {
      for (uint64_t id = 0; id < 5; ++id) {
        for (size_t size : kSizes) {
          const Block block{pool_->Allocate(size), size, id};
          if (block.address == nullptr) return 3;
          FillBlock(block);
          if (!BlockIsIntact(block)) return 4;
          pool_->Free(block.address);
        }
      }
      pool_->Trim();
      pool_->Maintain();
      PooledAllocator::MarkThreadIdle();
    }
    if (!pool_->CheckInvariants().ok()) return 5;
    return 0;
  }

  static constexpr int kSlots = 64;
  std::atomic<void*> slots_[kSlots] = {};
  std::unique_ptr<PooledAllocator> pool_;
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> rounds_{0};
};

TEST_P(ForkTest, TheChildAllocatesWhileTheParentsThreadsWork) {
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t] { Work(t); });
  }
  for (int i = 0; i < 50 && !HasFailure(); ++i) {
    // The threads are at work when it happens.
    const uint64_t rounds = rounds_;
    while (rounds_ < rounds + 20) std::this_thread::yield();
    std::vector<Block> blocks;
    for (size_t size : kSizes) {
      blocks.push_back({pool_->Allocate(size), size, uint64_t(i)});
      ASSERT_NE(blocks.back().address, nullptr);
      FillBlock(blocks.back());
    }
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      alarm(30);  // a deadlock ends by a signal
      _exit(InChild(blocks));
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0)
        << "child " << i << ": exit code "
        << (WIFEXITED(status) ? WEXITSTATUS(status) : -1) << ", signal "
        << (WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    // The parent's blocks are its own still.
    for (const Block& block : blocks) {
      EXPECT_TRUE(BlockIsIntact(block));
      pool_->Free(block.address);
    }
  }
  stop_ = true;
  for (std::thread& thread : threads) thread.join();
  for (std::atomic<void*>& slot : slots_) {
    if (slot != nullptr) pool_->Free(slot);
  }
  EXPECT_EQ(ActiveBlocks(pool_->Stats()), 0);
  EXPECT_TRUE(pool_->CheckInvariants().ok()) << pool_->CheckInvariants();
}

INSTANTIATE_TEST_SUITE_P(
    Options, ForkTest,
    testing::Combine(BothLayouts(),
                     testing::Values(ForkCase{"caches", true},
                                     ForkCase{"no_caches", false})),
    ForkTest::Name);

}  // namespace
}  // namespace poolscope
