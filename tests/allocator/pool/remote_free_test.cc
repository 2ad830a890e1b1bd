#include "poolscope/allocator/pool/remote_free.h"

#include <cstdint>
#include <set>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace poolscope {
namespace pool_internal {
namespace {

// A message that is a block: its address with the lowest bit set.
struct alignas(16) Block {
  uintptr_t first_word = 0;
  uintptr_t message() {
    return reinterpret_cast<uintptr_t>(this) | kBlockMessage;
  }
};

TEST(ReturnQueueTest, StartsEmpty) {
  ReturnQueue queue;
  EXPECT_FALSE(queue.MaybeNonEmpty());
  EXPECT_EQ(queue.Take(), 0u);
}

TEST(ReturnQueueTest, TakesEverythingLastPushedFirst) {
  ReturnQueue queue;
  Block a;
  Block b;
  RemoteBatch batch = {};
  const uintptr_t batch_message = reinterpret_cast<uintptr_t>(&batch);
  ASSERT_TRUE(queue.Push(a.message()));
  ASSERT_TRUE(queue.Push(batch_message));
  ASSERT_TRUE(queue.Push(b.message()));
  EXPECT_TRUE(queue.MaybeNonEmpty());
  const uintptr_t first = queue.Take();
  EXPECT_EQ(first, b.message());
  const uintptr_t second = ReturnQueue::Next(first);
  EXPECT_EQ(second, batch_message);
  const uintptr_t third = ReturnQueue::Next(second);
  EXPECT_EQ(third, a.message());
  EXPECT_EQ(ReturnQueue::Next(third), 0u);
  EXPECT_FALSE(queue.MaybeNonEmpty());
  EXPECT_EQ(queue.Take(), 0u);
}

TEST(ReturnQueueTest, ASealedQueueRefusesUntilItIsUnsealed) {
  ReturnQueue queue;
  Block a;
  Block b;
  ASSERT_TRUE(queue.Push(a.message()));
  EXPECT_EQ(queue.Seal(), a.message());
  EXPECT_FALSE(queue.Push(b.message()));
  EXPECT_FALSE(queue.MaybeNonEmpty());
  EXPECT_EQ(queue.Take(), 0u);
  EXPECT_EQ(queue.Seal(), 0u) << "sealing twice gives nothing twice";
  queue.Unseal();
  EXPECT_TRUE(queue.Push(b.message()));
  EXPECT_EQ(queue.Take(), b.message());
}

TEST(ReturnQueueTest, EveryMessageOfManyThreadsArrivesOnce) {
  constexpr int kThreads = 3;
  constexpr int kBlocks = 20000;
  ReturnQueue queue;
  std::vector<std::vector<Block>> blocks(kThreads, std::vector<Block>(kBlocks));
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (Block& block : blocks[t]) ASSERT_TRUE(queue.Push(block.message()));
    });
  }
  std::set<uintptr_t> arrived;
  while (arrived.size() < size_t{kThreads} * kBlocks) {
    for (uintptr_t m = queue.Take(); m != 0; m = ReturnQueue::Next(m)) {
      ASSERT_TRUE(arrived.insert(m).second);
    }
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(queue.Take(), 0u);
}

TEST(ReturnQueueTest, SealingLosesNoMessage) {
  constexpr int kBlocks = 20000;
  for (int round = 0; round < 10; ++round) {
    ReturnQueue queue;
    std::vector<Block> blocks(kBlocks);
    int accepted = 0;
    std::thread pusher([&] {
      while (accepted < kBlocks && queue.Push(blocks[accepted].message())) {
        ++accepted;
      }
    });
    int arrived = 0;
    while (arrived < 100) {
      for (uintptr_t m = queue.Take(); m != 0; m = ReturnQueue::Next(m)) {
        ++arrived;
      }
    }
    for (uintptr_t m = queue.Seal(); m != 0; m = ReturnQueue::Next(m)) {
      ++arrived;
    }
    pusher.join();
    ASSERT_EQ(arrived, accepted);
  }
}

}  // namespace
}  // namespace pool_internal
}  // namespace poolscope
