#include "poolscope/allocator/pool/pool_memory_resource.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory_resource>
#include <new>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/tests/allocator/pool/test_pool.h"

namespace poolscope {
namespace {

TEST(PoolMemoryResourceTest, ContainersLiveInThePool) {
  TestPool pool;
  PoolMemoryResource resource(pool.get());
  {
    std::pmr::map<int, std::pmr::string> sessions(&resource);
    for (int i = 0; i < 1000; ++i) {
      sessions[i].assign(100, static_cast<char>('a' + i % 26));
    }
    EXPECT_GE(pool->Stats().pinned_bytes, 1000u * (100 + sizeof(sessions[0])));
    EXPECT_EQ(std::string(sessions[27]), std::string(100, 'b'));
  }
  EXPECT_EQ(pool->Stats().pinned_bytes, 0u);
}

TEST(PoolMemoryResourceTest, EachAlignmentUpToTheChunkSize) {
  TestPool pool;
  PoolMemoryResource resource(pool.get());
  const size_t chunk_bytes = pool->options().chunk_size_bytes();
  for (size_t alignment = 1; alignment <= chunk_bytes; alignment *= 2) {
    // Two, for one may lie at the beginning of a slab.
    void* const blocks[] = {resource.allocate(100, alignment),
                            resource.allocate(100, alignment)};
    for (void* const block : blocks) {
      EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % alignment, 0u)
          << alignment;
      resource.deallocate(block, 100, alignment);
    }
  }
  EXPECT_THROW(static_cast<void>(resource.allocate(100, 2 * chunk_bytes)),
               std::bad_alloc);
  EXPECT_EQ(PooledAllocator::LastRefusal().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(PoolMemoryResourceTest, ThrowsAtTheLimit) {
  TestPool pool;
  PoolMemoryResource resource(pool.get());
  std::pmr::vector<std::byte> payload(&resource);
  EXPECT_THROW(payload.resize(512 << 20), std::bad_alloc);
  EXPECT_EQ(PooledAllocator::LastRefusal().code(),
            absl::StatusCode::kResourceExhausted);
  payload.resize(1 << 20);
  EXPECT_EQ(payload.size(), size_t{1} << 20);
}

TEST(PoolMemoryResourceTest, IsEqualToOthersOfTheSameAllocator) {
  TestPool pool;
  TestPool other;
  const PoolMemoryResource resource(pool.get());
  EXPECT_EQ(resource, PoolMemoryResource(pool.get()));
  EXPECT_NE(resource, PoolMemoryResource(other.get()));
  EXPECT_NE(resource, *std::pmr::new_delete_resource());
  EXPECT_EQ(resource.allocator(), pool.get());
}

TEST(PoolMemoryResourceTest, BlocksAreFreedByAnyThread) {
  TestPool pool;
  PoolMemoryResource resource(pool.get());
  std::pmr::vector<int> numbers({1, 2, 3}, &resource);
  std::thread([taken = std::move(numbers)]() mutable {
    EXPECT_EQ(taken.at(2), 3);
    taken = {};
    taken.shrink_to_fit();
  }).join();
  EXPECT_EQ(pool->Stats().pinned_bytes, 0u);
}

}  // namespace
}  // namespace poolscope
