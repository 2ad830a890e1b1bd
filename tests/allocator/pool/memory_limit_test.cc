#include "poolscope/allocator/pool/memory_limit.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>

#include "absl/time/clock.h"
#include "absl/time/time.h"
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

// Calls `body` on two threads, so long that they meet on a busy machine too.
template <typename Body>
void RunTwice(Body body) {
  const absl::Time end = absl::Now() + absl::Milliseconds(300);
  const auto run = [&] {
    while (absl::Now() < end) {
      for (int i = 0; i < 1000; ++i) body();
    }
  };
  std::thread other(run);
  run();
  other.join();
}

TEST(MemoryLimitTest, ThreadsTogetherNeverPassTheLimit) {
  MemoryLimit limit(5);  // room for one of them at a time
  std::atomic<bool> overshot{false};
  RunTwice([&] {
    if (!limit.Reserve(3)) return;
    for (int look = 0; look < 20; ++look) {
      if (limit.used() > limit.limit()) overshot = true;
    }
    limit.Release(3);
  });
  EXPECT_FALSE(overshot);
  EXPECT_EQ(limit.used(), 0u);
  EXPECT_EQ(limit.peak(), 3u);
}

TEST(MemoryLimitTest, ThreadsTogetherMissNoPeak) {
  MemoryLimit limit(SIZE_MAX);
  std::atomic<bool> missed{false};
  RunTwice([&] {
    const size_t before = limit.used();
    if (!limit.Reserve(1) || limit.peak() <= before) missed = true;
  });
  EXPECT_FALSE(missed);
  EXPECT_EQ(limit.peak(), limit.used());
}

}  // namespace
}  // namespace pool_internal
}  // namespace poolscope
