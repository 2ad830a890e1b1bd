#include "poolscope/allocator/outbound/memory_use.h"

#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/tests/allocator/pool/test_pool.h"

namespace poolscope {
namespace {

TEST(MemoryUseTest, CountsWhatIsInUseAndNothingIdle) {
  TestPool pool;
  EXPECT_EQ(MemoryUseOf(pool->Stats()).used_bytes, 0u);
  EXPECT_EQ(MemoryUseOf(pool->Stats()).limit_bytes, 256u << 20);

  // Small ones, runs of pages, and two of 8 MiB, which are huge.
  std::vector<void*> small = pool.Allocate(100, 1024);
  std::vector<void*> runs = pool.Allocate(20, 1 << 20);
  std::vector<void*> huge = pool.Allocate(2, 8 << 20);
  constexpr uint64_t kSmallBytes = 100 * 1024;
  constexpr uint64_t kRunBytes = 20 << 20;
  constexpr uint64_t kHugeBytes = 16 << 20;
  EXPECT_EQ(MemoryUseOf(pool->Stats()).used_bytes,
            kSmallBytes + kRunBytes + kHugeBytes);

  pool.Free(huge);
  EXPECT_EQ(MemoryUseOf(pool->Stats()).used_bytes, kSmallBytes + kRunBytes);
  // Empty chunks that wait for their decay, and what thread caches hold, are
  // mapped and not in use.
  pool.Free(runs);
  EXPECT_EQ(MemoryUseOf(pool->Stats()).used_bytes, kSmallBytes);
  pool.Free(small);
  EXPECT_EQ(MemoryUseOf(pool->Stats()).used_bytes, 0u);
  EXPECT_GT(pool->Stats().direct_used_bytes, 16u << 20);
}

TEST(MemoryUseTest, CountsUnpooledBlocksToo) {
  UnpooledOptions options;
  options.max_direct_memory_bytes = 1 << 30;
  auto allocator = BufferAllocator::Unpooled(options);
  ASSERT_TRUE(allocator.ok()) << allocator.status();
  auto small = (*allocator)->Allocate(1000);
  auto huge = (*allocator)->Allocate(8 << 20);
  ASSERT_TRUE(small.ok() && huge.ok());
  const MemoryUse use = MemoryUseOf((*allocator)->Stats());
  EXPECT_EQ(use.used_bytes, 1000u + (8u << 20));
  EXPECT_EQ(use.limit_bytes, 1u << 30);
}

}  // namespace
}  // namespace poolscope
