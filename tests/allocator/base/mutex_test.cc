// The lock order is checked in builds without NDEBUG only (-c dbg, asan_ubsan);
// what holds in every build is tested in every build.
#include "poolscope/allocator/base/mutex.h"

#include <atomic>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/base/lock_order.h"

namespace poolscope {
namespace {

TEST(MutexTest, ExcludesOtherThreads) {
  constexpr int kRounds = 20000;
  Mutex mutex(LockRank::kArena);
  int count = 0;
  const auto work = [&] {
    for (int i = 0; i < kRounds; ++i) {
      MutexLock lock(&mutex);
      ++count;
    }
  };
  std::thread other(work);
  work();
  other.join();
  EXPECT_EQ(count, 2 * kRounds);
}

TEST(MutexTest, CountsWhatWasTakenWithoutWaiting) {
  Mutex mutex;
  for (int i = 0; i < 3; ++i) MutexLock lock(&mutex);
  ASSERT_TRUE(mutex.TryLock());
  mutex.Unlock();
  EXPECT_EQ(mutex.Counts().acquisitions, 4u);
  EXPECT_EQ(mutex.Counts().contentions, 0u);
  EXPECT_EQ(mutex.Counts().wait_nanos, 0u);
}

TEST(MutexTest, CountsWaiting) {
  // Whether a thread meets another inside is chance; with one inside most of
  // the time it does soon.
  Mutex mutex;
  std::atomic<bool> stop{false};
  std::thread other([&] {
    while (!stop.load()) {
      MutexLock lock(&mutex);
      std::this_thread::yield();
    }
  });
  while (mutex.Counts().contentions < 10) MutexLock lock(&mutex);
  stop.store(true);
  other.join();
  const LockCounts counts = mutex.Counts();
  EXPECT_GT(counts.wait_nanos, 0u);
  EXPECT_GE(counts.acquisitions, counts.contentions);
}

TEST(MutexTest, TryLockFailsWhileAnotherThreadHoldsIt) {
  Mutex mutex;
  bool got_while_held = true;
  {
    MutexLock lock(&mutex);
    std::thread([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      got_while_held = mutex.TryLock();
    }).join();
  }
  EXPECT_FALSE(got_while_held);
  ASSERT_TRUE(mutex.TryLock());
  mutex.Unlock();
}

TEST(MutexTest, HigherRanksMayFollowLowerOnes) {
  Mutex core(LockRank::kCore);
  Mutex arena(LockRank::kArena);
  Mutex metadata(LockRank::kMetadata);
  for (int i = 0; i < 2; ++i) {
    MutexLock a(&core);
    MutexLock b(&arena);
    MutexLock c(&metadata);
  }
  // What was released is forgotten: the order may begin anew.
  { MutexLock lock(&metadata); }
  MutexLock lock(&core);
}

TEST(MutexTest, UnrankedLocksAreNotChecked) {
  Mutex metadata(LockRank::kMetadata);
  Mutex first;
  Mutex second;
  MutexLock a(&metadata);
  MutexLock b(&first);
  MutexLock c(&second);
}

TEST(MutexTest, RanksAreHeldPerThread) {
  Mutex metadata(LockRank::kMetadata);
  Mutex core(LockRank::kCore);
  MutexLock lock(&metadata);
  std::thread([&] { MutexLock other(&core); }).join();
}

TEST(MutexTest, ForForkTakesSeveralOfOneRank) {
  Mutex first(LockRank::kArena);
  Mutex second(LockRank::kArena);
  first.LockForFork();
  second.LockForFork();
  second.UnlockForFork();
  first.UnlockForFork();
  MutexLock lock(&first);
}

#ifndef NDEBUG
// What is said of a lock that is asked for too late.
std::string Disorder(LockRank asked, LockRank held) {
  return absl::StrCat("lock order: a lock of rank ", static_cast<int>(asked),
                      " asked for while one of rank ", static_cast<int>(held),
                      " is held");
}

TEST(MutexDeathTest, LowerRankAfterHigherDies) {
  EXPECT_DEATH(
      {
        Mutex metadata(LockRank::kMetadata);
        Mutex arena(LockRank::kArena);
        MutexLock a(&metadata);
        MutexLock b(&arena);
      },
      Disorder(LockRank::kArena, LockRank::kMetadata));
}

TEST(MutexDeathTest, SameRankTwiceDies) {
  EXPECT_DEATH(
      {
        Mutex first(LockRank::kArena);
        Mutex second(LockRank::kArena);
        MutexLock a(&first);
        MutexLock b(&second);
      },
      Disorder(LockRank::kArena, LockRank::kArena));
}

TEST(MutexDeathTest, TryLockCountsAsHeld) {
  EXPECT_DEATH(
      {
        Mutex metadata(LockRank::kMetadata);
        Mutex arena(LockRank::kArena);
        if (metadata.TryLock()) {
          arena.Lock();
        }
      },
      "lock order");
}
#endif  // NDEBUG

}  // namespace
}  // namespace poolscope
