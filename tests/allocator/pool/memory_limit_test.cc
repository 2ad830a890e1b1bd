#include "poolscope/allocator/pool/memory_limit.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace poolscope {
namespace pool_internal {
namespace {

TEST(MemoryLimitTest, ReservesUpToTheLimitAndNotAByteMore) {
  MemoryLimit limit(100);
  EXPECT_FALSE(limit.Reserve(101));
  EXPECT_TRUE(limit.Reserve(99));
  EXPECT_FALSE(limit.Reserve(2));
  EXPECT_TRUE(limit.Reserve(1));
  EXPECT_FALSE(limit.Reserve(1));
  EXPECT_TRUE(limit.Reserve(0));
  EXPECT_EQ(limit.used(), 100u);
  EXPECT_EQ(limit.limit(), 100u);
}

TEST(MemoryLimitTest, RefusalReservesNothing) {
  MemoryLimit limit(100);
  ASSERT_TRUE(limit.Reserve(60));
  ASSERT_FALSE(limit.Reserve(41));
  EXPECT_EQ(limit.used(), 60u);
  EXPECT_EQ(limit.peak(), 60u);
}

TEST(MemoryLimitTest, ReleasedBytesCanBeReservedAgain) {
  MemoryLimit limit(100);
  ASSERT_TRUE(limit.Reserve(100));
  limit.Release(40);
  EXPECT_FALSE(limit.Reserve(41));
  EXPECT_TRUE(limit.Reserve(40));
}

TEST(MemoryLimitTest, PeakStays) {
  MemoryLimit limit(100);
  ASSERT_TRUE(limit.Reserve(70));
  limit.Release(70);
  ASSERT_TRUE(limit.Reserve(30));
  EXPECT_EQ(limit.used(), 30u);
  EXPECT_EQ(limit.peak(), 70u);
}

TEST(MemoryLimitTest, HugeRequestsDoNotOverflow) {
  MemoryLimit limit(100);
  ASSERT_TRUE(limit.Reserve(50));
  EXPECT_FALSE(limit.Reserve(SIZE_MAX));
  EXPECT_FALSE(limit.Reserve(SIZE_MAX - 49));
  EXPECT_EQ(limit.used(), 50u);
}

TEST(MemoryLimitTest, ThreadsTogetherNeverPassTheLimit) {
  constexpr size_t kLimit = 10;
  MemoryLimit limit(kLimit);
  std::atomic<size_t> held{0};
  std::atomic<bool> overshot{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const size_t bytes = 1 + t;
      for (int i = 0; i < 20000; ++i) {
        if (!limit.Reserve(bytes)) continue;
        if (held.fetch_add(bytes) + bytes > kLimit) overshot = true;
        if (limit.used() > kLimit) overshot = true;
        held.fetch_sub(bytes);
        limit.Release(bytes);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(overshot);
  EXPECT_EQ(limit.used(), 0u);
  EXPECT_LE(limit.peak(), kLimit);
  EXPECT_GE(limit.peak(), 4u);
}

}  // namespace
}  // namespace pool_internal
}  // namespace poolscope
