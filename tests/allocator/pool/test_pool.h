// TestPool: an allocator on a simulated clock and counted memory.
//
//   TestPool pool(Quiet());
//   void* p = pool->Allocate(100);
//   pool.clock.Advance(absl::Seconds(5));
//
// When it ends, every mapping must have been returned: free all blocks and join
// all threads before.
//
// Thread safety: that of its parts.
#ifndef POOLSCOPE_TESTS_ALLOCATOR_POOL_TEST_POOL_H_
#define POOLSCOPE_TESTS_ALLOCATOR_POOL_TEST_POOL_H_

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/base/clock.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/allocator/pool/memory_source.h"
#include "poolscope/allocator/pool/pool_options.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/tests/allocator/pool/fake_memory_source.h"

namespace poolscope {

// One arena, 256 MiB, and no samples, which would take pages of their own.
inline PoolOptions Quiet(ChunkLayout layout = ChunkLayout::kRuns) {
  PoolOptions options;
  options.layout = layout;
  options.name = "test";
  options.max_direct_memory_bytes = 256 << 20;
  options.arenas = 1;
  options.sampling = false;
  return options;
}

inline PoolOptions QuietWithoutCaches(ChunkLayout layout = ChunkLayout::kRuns) {
  PoolOptions options = Quiet(layout);
  options.use_thread_caches = false;
  return options;
}

class TestPool {
 public:
  explicit TestPool(PoolOptions options = Quiet()) {
    options.clock = &clock;
    options.memory_source = &source;
    absl::StatusOr<std::unique_ptr<PooledAllocator>> created =
        PooledAllocator::Create(std::move(options));
    EXPECT_TRUE(created.ok()) << created.status();
    allocator_ = *std::move(created);
  }
  ~TestPool() {
    EXPECT_TRUE(allocator_->CheckInvariants().ok())
        << allocator_->CheckInvariants();
    allocator_.reset();
    EXPECT_EQ(source.live_bytes(MemorySource::Use::kBlocks), 0);
    EXPECT_EQ(source.live_bytes(MemorySource::Use::kMetadata), 0);
  }

  PooledAllocator* operator->() { return allocator_.get(); }
  PooledAllocator* get() { return allocator_.get(); }

  // Blocks of `size` bytes; all must be granted.
  std::vector<void*> Allocate(int count, size_t size) {
    std::vector<void*> blocks;
    for (int i = 0; i < count; ++i) {
      blocks.push_back(allocator_->Allocate(size));
      EXPECT_NE(blocks.back(), nullptr) << PooledAllocator::LastRefusal();
    }
    return blocks;
  }
  void Free(const std::vector<void*>& blocks) {
    for (void* block : blocks) allocator_->Free(block);
  }

  // Of the only arena.
  uint64_t chunk_allocations() {
    return allocator_->Stats().arenas[0].chunk_allocations;
  }
  uint64_t chunk_deallocations() {
    return allocator_->Stats().arenas[0].chunk_deallocations;
  }
  uint64_t chunks_in(ChunkListId list) {
    return allocator_->Stats().arenas[0].lists[static_cast<int>(list)].chunks;
  }
  KindCounts counts(Kind kind) {
    KindCounts sum;
    for (const ArenaStats& arena : allocator_->Stats().arenas) {
      const KindCounts& counts = arena.by_kind[static_cast<int>(kind)];
      sum.allocations += counts.allocations;
      sum.deallocations += counts.deallocations;
      sum.active += counts.active;
    }
    return sum;
  }
  uint64_t evictions(EvictionReason reason) {
    return allocator_->Stats().thread_cache_evictions[static_cast<int>(reason)];
  }

  SimulatedClock clock;
  FakeMemorySource source;

 private:
  std::unique_ptr<PooledAllocator> allocator_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_ALLOCATOR_POOL_TEST_POOL_H_
