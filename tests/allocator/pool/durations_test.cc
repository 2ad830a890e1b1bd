// How long allocations took, by path, and how often the arenas' locks were
// taken: what of it is certain without looking at a clock.
#include <array>
#include <cstdint>
#include <numeric>
#include <vector>

#include "gtest/gtest.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/tests/allocator/pool/test_pool.h"

namespace poolscope {
namespace {

uint64_t Count(const AllocatorStats& stats, AllocationPath path) {
  const auto& counts = stats.durations[static_cast<int>(path)].counts;
  return std::accumulate(counts.begin(), counts.end(), uint64_t{0});
}

TEST(DurationsTest, OneOf1024HitsOfAClassIsTimed) {
  TestPool pool;
  for (int i = 0; i < 10 * 1024 + 100; ++i) pool->Free(pool->Allocate(256));
  EXPECT_EQ(Count(pool->Stats(), AllocationPath::kCache), 10u);
}

TEST(DurationsTest, AChunkMappedForAMissIsTheSystemsPath) {
  TestPool pool;
  // The first miss is timed, and maps the first chunk.
  pool->Free(pool->Allocate(256));
  EXPECT_EQ(Count(pool->Stats(), AllocationPath::kOs), 1u);
  EXPECT_EQ(Count(pool->Stats(), AllocationPath::kArena), 0u);
}

TEST(DurationsTest, OneOf16MissesIsTimed) {
  TestPool pool;
  std::vector<void*> blocks;
  // Never freed in between: a block of this class is a miss each.
  for (int i = 0; i < 33; ++i) blocks.push_back(pool->Allocate(65536));
  const AllocatorStats stats = pool->Stats();
  EXPECT_EQ(Count(stats, AllocationPath::kOs), 1u);
  EXPECT_EQ(Count(stats, AllocationPath::kArena), 2u);
  pool.Free(blocks);
}

TEST(DurationsTest, EveryHugeBlockIsTimed) {
  TestPool pool;
  for (int i = 0; i < 5; ++i) pool->Free(pool->Allocate(5 << 20));
  const AllocatorStats stats = pool->Stats();
  EXPECT_EQ(Count(stats, AllocationPath::kOs), 5u);
  EXPECT_GT(stats.durations[static_cast<int>(AllocationPath::kOs)].sum_seconds,
            0);
}

TEST(LocksTest, AMissTakesTheArenasLockAndAHitDoesNot) {
  TestPool pool;
  pool->Free(pool->Allocate(256));
  const uint64_t before = pool->Stats().arena_locks.acquisitions;
  for (int i = 0; i < 100; ++i) pool->Free(pool->Allocate(256));
  const uint64_t snapshot = pool->Stats().arena_locks.acquisitions - before;
  // The snapshot itself takes it once an arena.
  EXPECT_EQ(snapshot, 1u);
  void* block = pool->Allocate(65536);
  EXPECT_EQ(pool->Stats().arena_locks.acquisitions, before + 3);
  EXPECT_EQ(pool->Stats().arena_locks.contentions, 0u);
  pool->Free(block);
}

}  // namespace
}  // namespace poolscope
