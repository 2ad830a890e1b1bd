// Threads against a limit that is far too small for them.
#include <cstdint>
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

constexpr size_t kChunkBytes = 4 << 20;
constexpr size_t kLimitBytes = 4 * kChunkBytes;
constexpr int kThreads = 8;

struct LimitCase {
  std::string name;
  bool caches;
  bool huge;
  int arenas;
};

class LimitTest : public TestOverLayoutsAnd<LimitCase> {
 protected:
  void SetUp() override {
    PoolOptions options;
    options.layout = layout();
    options.name = param().name;
    options.max_direct_memory_bytes = kLimitBytes;
    options.arenas = param().arenas;
    options.use_thread_caches = param().caches;
    options.memory_source = &source_;
    auto pool = PooledAllocator::Create(options);
    ASSERT_TRUE(pool.ok()) << pool.status();
    pool_ = *std::move(pool);
  }

  size_t SizeFor(Random* random) const {
    if (param().huge && Below(random, 10) == 0) {
      return kChunkBytes + 1 + Below(random, 2 * kChunkBytes);
    }
    return Below(random, 20) == 0 ? Below(random, kChunkBytes + 1)
                                  : Below(random, 64 << 10);
  }

  // Until a request is refused, then most of it is freed again.
  int Fill(int thread, int rounds) {
    Random random(thread);
    std::vector<Block> blocks;
    int refusals = 0;
    while (refusals < rounds) {
      Block block;
      block.size = SizeFor(&random);
      block.id = random();
      block.address = pool_->Allocate(block.size);
      if (block.address != nullptr) {
        FillBlock(block);
        blocks.push_back(block);
        continue;
      }
      ++refusals;
      const absl::Status refusal = PooledAllocator::LastRefusal();
      EXPECT_EQ(refusal.code(), absl::StatusCode::kResourceExhausted);
      EXPECT_NE(std::string(refusal.message())
                    .find("refused by the direct memory limit"),
                std::string::npos)
          << refusal;
      while (blocks.size() > Below(&random, 5)) {
        std::swap(blocks[Below(&random, blocks.size())], blocks.back());
        EXPECT_TRUE(BlockIsIntact(blocks.back()));
        pool_->Free(blocks.back().address);
        blocks.pop_back();
      }
    }
    for (const Block& block : blocks) {
      EXPECT_TRUE(BlockIsIntact(block));
      pool_->Free(block.address);
    }
    return refusals;
  }

  FakeMemorySource source_;
  std::unique_ptr<PooledAllocator> pool_;
};

TEST_P(LimitTest, IsNeverPassedAndIdleMemoryServesWhoNeedsIt) {
  std::vector<std::unique_ptr<WorkerThread>> workers;
  std::vector<int> refusals(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    workers.push_back(std::make_unique<WorkerThread>());
    workers[t]->Start([this, t, &refusals] {
      refusals[t] = Fill(t, Scaled(60));
      PooledAllocator::MarkThreadIdle();
    });
  }
  for (auto& worker : workers) worker->Wait();

  // FakeMemorySource takes the peak inside every Map().
  EXPECT_LE(source_.peak_bytes(MemorySource::Use::kBlocks), kLimitBytes);
  uint64_t refused = 0;
  for (int count : refusals) {
    EXPECT_GT(count, 0);
    refused += count;
  }
  const AllocatorStats stats = pool_->Stats();
  EXPECT_EQ(stats.allocation_failures_limit, refused);
  EXPECT_EQ(stats.allocation_failures_mapping, 0);
  EXPECT_EQ(ActiveBlocks(stats), 0);
  EXPECT_LE(stats.direct_peak_bytes, kLimitBytes);
  EXPECT_TRUE(pool_->CheckInvariants().ok()) << pool_->CheckInvariants();

  // The threads are alive and hold nothing: all of it is for this one.
  std::vector<void*> chunks;
  while (void* chunk = pool_->Allocate(kChunkBytes)) chunks.push_back(chunk);
  EXPECT_EQ(chunks.size(), kLimitBytes / kChunkBytes);
  for (void* chunk : chunks) pool_->Free(chunk);
  void* all = pool_->Allocate(kLimitBytes);
  EXPECT_NE(all, nullptr) << PooledAllocator::LastRefusal();
  EXPECT_EQ(source_.live_bytes(MemorySource::Use::kBlocks), kLimitBytes);
  pool_->Free(all);
  EXPECT_LE(source_.peak_bytes(MemorySource::Use::kBlocks), kLimitBytes);

  // And so each of the others again.
  for (auto& worker : workers) {
    worker->Run([this] {
      void* most = pool_->Allocate(kLimitBytes);
      EXPECT_NE(most, nullptr) << PooledAllocator::LastRefusal();
      pool_->Free(most);
      void* small = pool_->Allocate(100);
      EXPECT_NE(small, nullptr) << PooledAllocator::LastRefusal();
      pool_->Free(small);
      PooledAllocator::MarkThreadIdle();
    });
  }
  workers.clear();
  pool_.reset();
  EXPECT_EQ(source_.live_mappings(MemorySource::Use::kBlocks), 0);
  EXPECT_EQ(source_.live_mappings(MemorySource::Use::kMetadata), 0);
}

TEST_P(LimitTest, WhatAnIdleThreadWasHandedBackServesOthers) {
  // One thread's blocks, freed by another; both then wait.
  WorkerThread owner;
  WorkerThread other;
  std::vector<void*> blocks;
  owner.Run([&] {
    while (void* block = pool_->Allocate(14336)) blocks.push_back(block);
    PooledAllocator::MarkThreadIdle();
  });
  EXPECT_GT(blocks.size(), 1000);
  other.Run([&] {
    for (void* block : blocks) pool_->Free(block);
    PooledAllocator::MarkThreadIdle();
  });
  void* all = pool_->Allocate(kLimitBytes);
  EXPECT_NE(all, nullptr) << PooledAllocator::LastRefusal();
  pool_->Free(all);
}

INSTANTIATE_TEST_SUITE_P(
    Options, LimitTest,
    testing::Combine(BothLayouts(),
                     testing::Values(LimitCase{"caches", true, false, 4},
                                     LimitCase{"caches_and_huge", true, true,
                                               4},
                                     LimitCase{"one_arena", true, true, 1},
                                     LimitCase{"no_caches", false, true, 2})),
    LimitTest::Name);

}  // namespace
}  // namespace poolscope
