// Every mapping made to fail, one after the other, and from each one on.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/tests/allocator/pool/both_layouts.h"
#include "poolscope/tests/allocator/pool/fake_memory_source.h"
#include "poolscope/tests/allocator/pool/stress/block.h"
#include "poolscope/tests/allocator/pool/stress/threads.h"

namespace poolscope {
namespace {

constexpr size_t kChunkBytes = 4 << 20;

struct FailureCase {
  std::string name;
  bool caches;
  size_t sample_interval_bytes;  // 1: every allocation
};

class FailingMappingTest : public TestOverLayoutsAnd<FailureCase> {
 protected:
  // A block, or nothing where memory was refused for the stated reason.
  void Allocate(PooledAllocator* pool, size_t size, std::vector<Block>* into,
                size_t alignment = 16) {
    Block block;
    block.size = size;
    block.id = next_id_++;
    block.address = pool->Allocate(size, alignment);
    if (block.address == nullptr) {
      ++refusals_;
      const absl::Status refusal = PooledAllocator::LastRefusal();
      EXPECT_EQ(refusal.code(), absl::StatusCode::kResourceExhausted);
      EXPECT_NE(std::string(refusal.message())
                    .find("refused by the operating system"),
                std::string::npos)
          << refusal;
      return;
    }
    EXPECT_GT(source_.live_mappings(MemorySource::Use::kBlocks), 0);
    FillBlock(block);
    into->push_back(block);
  }

  void Free(PooledAllocator* pool, std::vector<Block>* blocks) {
    for (const Block& block : *blocks) {
      EXPECT_TRUE(BlockIsIntact(block)) << block.size << " bytes";
      pool->Free(block.address);
    }
    blocks->clear();
  }

  // Small blocks, slabs, runs, a chunk, huge blocks, frees by another thread
  // and a thread's exit. The threads take turns, so that the Nth mapping is the
  // same one in every run.
  void RunScenario() {
    refusals_ = 0;
    PoolOptions options;
    options.layout = layout();
    options.max_direct_memory_bytes = 256 << 20;
    options.arenas = 2;
    options.use_thread_caches = param().caches;
    options.sample_interval_bytes = param().sample_interval_bytes;
    options.memory_source = &source_;
    auto created = PooledAllocator::Create(options);
    if (!created.ok()) {
      EXPECT_EQ(created.status().code(), absl::StatusCode::kResourceExhausted);
      return;
    }
    std::unique_ptr<PooledAllocator> pool = *std::move(created);
    std::vector<Block> mine;
    std::vector<Block> theirs;
    const auto allocate_mixed = [&](std::vector<Block>* into) {
      for (int i = 0; i < 40; ++i) {
        Allocate(pool.get(), 16 + i, into);
        Allocate(pool.get(), 700, into);
        Allocate(pool.get(), 14336, into);
      }
      Allocate(pool.get(), 100, into, 4096);
      Allocate(pool.get(), 100, into, 1 << 20);
      Allocate(pool.get(), 1 << 20, into);
      Allocate(pool.get(), kChunkBytes, into);
      Allocate(pool.get(), kChunkBytes + 1, into);
      Allocate(pool.get(), 3 * kChunkBytes, into, kChunkBytes);
    };
    const auto check = [&] {
      const absl::Status status = pool->CheckInvariants();
      EXPECT_TRUE(status.ok()) << status;
    };
    {
      WorkerThread worker;
      allocate_mixed(&mine);
      worker.Run([&] { allocate_mixed(&theirs); });
      check();
      mine.swap(theirs);
      // Each frees what the other allocated, and allocates once more.
      Free(pool.get(), &mine);
      worker.Run([&] { Free(pool.get(), &theirs); });
      check();
      allocate_mixed(&mine);
      worker.Run([&] { allocate_mixed(&theirs); });
      pool->Trim();
      check();
    }
    // The worker has exited; its blocks are still here.
    Free(pool.get(), &theirs);
    Free(pool.get(), &mine);
    check();
    EXPECT_EQ(pool->Stats().pinned_bytes, 0);
    EXPECT_EQ(pool->Stats().huge_used_bytes, 0);
    pool->Trim();
    pool.reset();
  }

  void ExpectNothingMapped(int64_t n) {
    EXPECT_EQ(source_.live_mappings(MemorySource::Use::kBlocks), 0)
        << "after mapping " << n << " failed";
    EXPECT_EQ(source_.live_mappings(MemorySource::Use::kMetadata), 0)
        << "after mapping " << n << " failed";
  }

  int64_t Refused() const {
    return source_.refused(MemorySource::Use::kBlocks) +
           source_.refused(MemorySource::Use::kMetadata);
  }

  FakeMemorySource source_;
  uint64_t next_id_ = 0;
  int refusals_ = 0;
};

TEST_P(FailingMappingTest, OneMappingFails) {
  int64_t n = 1;
  for (;; ++n) {
    source_.FailCall(n);
    const int64_t before = Refused();
    RunScenario();
    ExpectNothingMapped(n);
    if (HasFailure()) FAIL() << "with mapping " << n << " failing";
    if (Refused() == before) break;
  }
  EXPECT_GT(n, 20) << "the scenario maps too little";
  EXPECT_EQ(refusals_, 0);
}

TEST_P(FailingMappingTest, EveryMappingFailsFromOneOn) {
  int64_t n = 1;
  for (;; ++n) {
    source_.FailFrom(n);
    const int64_t before = Refused();
    RunScenario();
    ExpectNothingMapped(n);
    if (HasFailure()) FAIL() << "with mappings from " << n << " on failing";
    if (Refused() == before) break;
    EXPECT_GT(refusals_, 0) << "from mapping " << n << " on";
  }
  EXPECT_GT(n, 20) << "the scenario maps too little";
}

TEST(RefusedSampleTest, SamplingGoesOnWhenMemoryIsBack) {
  FakeMemorySource source;
  PoolOptions options;
  options.max_direct_memory_bytes = 256 << 20;
  options.arenas = 1;
  options.max_order = 12;             // one chunk serves the whole test
  options.sample_interval_bytes = 1;  // every allocation
  options.memory_source = &source;
  auto pool = PooledAllocator::Create(options);
  ASSERT_TRUE(pool.ok()) << pool.status();
  std::vector<void*> blocks;
  const auto allocate = [&](int count) {
    for (int i = 0; i < count; ++i) {
      blocks.push_back((*pool)->Allocate(64));
      ASSERT_NE(blocks.back(), nullptr) << PooledAllocator::LastRefusal();
    }
  };
  const auto free_all = [&] {
    for (void* block : blocks) (*pool)->Free(block);
    blocks.clear();
  };
  allocate(100);
  EXPECT_EQ((*pool)->Stats().sampled_live_allocations, 100);
  // Until there is no memory for a record.
  source.FailUse(MemorySource::Use::kMetadata, true);
  while ((*pool)->Stats().sampled_live_allocations >= blocks.size()) {
    allocate(1);
    ASSERT_FALSE(HasFatalFailure());
    ASSERT_LT(blocks.size(), 10000);
  }
  source.FailNone();
  free_all();
  allocate(100);
  EXPECT_EQ((*pool)->Stats().sampled_live_allocations, 100);
  free_all();
}

INSTANTIATE_TEST_SUITE_P(
    Options, FailingMappingTest,
    testing::Combine(BothLayouts(),
                     testing::Values(FailureCase{"defaults", true, 0},
                                     FailureCase{"every_block_sampled", true,
                                                 1},
                                     FailureCase{"no_caches", false, 0})),
    FailingMappingTest::Name);

}  // namespace
}  // namespace poolscope
