#include "poolscope/allocator/outbound/turn_queue.h"

#include <cstddef>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"

namespace poolscope {
namespace {

using Tokens = std::vector<uint64_t>;

// What a Run() runs; *more is what it returns.
Tokens RunOf(TurnQueue* queue, size_t max, bool* more = nullptr) {
  Tokens run;
  const bool left = queue->Run(max, [&](uint64_t t) { run.push_back(t); });
  EXPECT_EQ(left, !queue->empty());
  if (more != nullptr) *more = left;
  return run;
}

TEST(TurnQueueTest, EachTokenRunsOnceInTheOrderOfItsFirstPush) {
  TurnQueue queue;
  for (uint64_t token : {3, 1, 3, 2, 1, 3}) queue.Push(token);
  EXPECT_EQ(RunOf(&queue, TurnQueue::kAll), (Tokens{3, 1, 2}));
  EXPECT_EQ(RunOf(&queue, TurnQueue::kAll), Tokens{});
  queue.Push(1);
  EXPECT_EQ(RunOf(&queue, TurnQueue::kAll), Tokens{1});
}

TEST(TurnQueueTest, RunsAtMostWhatItIsAllowed) {
  TurnQueue queue;
  for (uint64_t token = 0; token < 4; ++token) queue.Push(token);
  bool more = false;
  EXPECT_EQ(RunOf(&queue, 0, &more), Tokens{});
  EXPECT_TRUE(more);
  EXPECT_EQ(RunOf(&queue, 3, &more), (Tokens{0, 1, 2}));
  EXPECT_TRUE(more);
  EXPECT_EQ(RunOf(&queue, 1, &more), Tokens{3});
  EXPECT_FALSE(more);
  EXPECT_EQ(RunOf(&queue, 1, &more), Tokens{});
  EXPECT_FALSE(more);
}

TEST(TurnQueueTest, WhatIsPushedWhileItRunsWaitsWhereThereIsABound) {
  TurnQueue queue;
  queue.Push(1);
  queue.Push(2);
  Tokens run;
  EXPECT_TRUE(queue.Run(100, [&](uint64_t token) {
    run.push_back(token);
    queue.Push(token);       // again: the one that runs
    queue.Push(token + 10);  // and a new one
  }));
  EXPECT_EQ(run, (Tokens{1, 2}));
  EXPECT_EQ(RunOf(&queue, 100), (Tokens{1, 11, 2, 12}));
}

TEST(TurnQueueTest, WhatIsPushedWhileItRunsIsRunWhereThereIsNone) {
  TurnQueue queue;
  queue.Push(1);
  Tokens run;
  EXPECT_FALSE(queue.Run(TurnQueue::kAll, [&](uint64_t token) {
    run.push_back(token);
    if (token < 5) queue.Push(token + 1);
  }));
  EXPECT_EQ(run, (Tokens{1, 2, 3, 4, 5}));
}

TEST(TurnQueueTest, RemovedTokensDoNotRun) {
  TurnQueue queue;
  for (uint64_t token = 0; token < 4; ++token) queue.Push(token);
  queue.Remove(1);
  queue.Remove(1);
  queue.Remove(77);
  // They count for nothing in a bound either.
  EXPECT_EQ(RunOf(&queue, 2), (Tokens{0, 2}));
  queue.Remove(3);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(RunOf(&queue, TurnQueue::kAll), Tokens{});
}

TEST(TurnQueueTest, ARemovedTokenThatIsPushedAgainGoesToTheEnd) {
  TurnQueue queue;
  for (uint64_t token : {1, 2, 3}) queue.Push(token);
  queue.Remove(1);
  queue.Push(1);
  EXPECT_EQ(RunOf(&queue, TurnQueue::kAll), (Tokens{2, 3, 1}));
}

TEST(TurnQueueTest, ATokenMayBeRemovedWhileOthersRun) {
  TurnQueue queue;
  for (uint64_t token : {1, 2, 3}) queue.Push(token);
  Tokens run;
  queue.Run(TurnQueue::kAll, [&](uint64_t token) {
    run.push_back(token);
    queue.Remove(token + 1);
  });
  EXPECT_EQ(run, (Tokens{1, 3}));
}

TEST(TurnQueueTest, ARunWithinARunGoesOnWhereTheOtherIs) {
  TurnQueue queue;
  for (uint64_t token : {1, 2, 3}) queue.Push(token);
  Tokens run;
  queue.Run(TurnQueue::kAll, [&](uint64_t token) {
    run.push_back(token);
    if (token == 1) queue.Run(1, [&](uint64_t t) { run.push_back(100 + t); });
  });
  EXPECT_EQ(run, (Tokens{1, 102, 3}));
}

TEST(TurnQueueTest, OrderSurvivesManyRemovals) {
  // Enough for the entries of removed tokens to be dropped.
  TurnQueue queue;
  for (uint64_t token = 0; token < 1000; ++token) queue.Push(token);
  for (uint64_t token = 0; token < 1000; ++token) {
    if (token % 100 != 7) queue.Remove(token);
  }
  for (int i = 0; i < 1000; ++i) {
    queue.Push(5000);
    queue.Remove(5000);
  }
  EXPECT_EQ(RunOf(&queue, TurnQueue::kAll),
            (Tokens{7, 107, 207, 307, 407, 507, 607, 707, 807, 907}));
}

}  // namespace
}  // namespace poolscope
