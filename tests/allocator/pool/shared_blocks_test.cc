#include "poolscope/allocator/pool/shared_blocks.h"

#include <atomic>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/allocator/pool/pool_options.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/allocator/pool/size_classes.h"
#include "poolscope/tests/allocator/pool/both_layouts.h"
#include "poolscope/tests/allocator/pool/event.h"
#include "poolscope/tests/allocator/pool/test_pool.h"

namespace poolscope {
namespace {

using pool_internal::ClassLayout;
using pool_internal::SharedBlocks;

// A class of one page in both layouts.
constexpr size_t kLarge = 8192;

class SharedBlocksTest : public testing::TestWithParam<ChunkLayout> {
 protected:
  // The first thread that allocates gets arena 0, the second arena 1, and so
  // on.
  static PoolOptions Arenas(int arenas) {
    PoolOptions options = Quiet(GetParam());
    options.arenas = arenas;
    return options;
  }
  static uint64_t Cached(TestPool& pool) { return pool->Stats().cached_bytes; }
  static uint64_t Hits(TestPool& pool) {
    uint64_t hits = 0;
    for (const auto& kind : pool->Stats().thread_cache_by_kind) {
      hits += kind.hits;
    }
    return hits;
  }
  static uint64_t Requests(const AllocatorStats& stats) {
    uint64_t requests = 0;
    for (const auto& kind : stats.thread_cache_by_kind) {
      requests += kind.requests;
    }
    return requests;
  }
};

INSTANTIATE_TEST_SUITE_P(Layouts, SharedBlocksTest, BothLayouts(),
                         LayoutTestName);

// A thread with a cache that does what it is told, and then sleeps without
// saying that it is idle.
class Sleeper {
 public:
  explicit Sleeper(std::function<void()> work)
      : thread_([this, work = std::move(work)] {
          work();
          done_.Notify();
          may_end_.Wait();
        }) {
    done_.Wait();
  }
  ~Sleeper() {
    may_end_.Notify();
    thread_.join();
  }

 private:
  Event done_;
  Event may_end_;
  std::thread thread_;
};

TEST_P(SharedBlocksTest, AFreeInPassingServesThreadsOfOtherArenas) {
  TestPool pool(Arenas(3));
  void* block = nullptr;
  Sleeper owner([&] { block = pool->Allocate(kLarge); });
  pool->Free(block);
  PooledAllocator::MarkThreadIdle();
  EXPECT_EQ(Cached(pool), kLarge);
  std::thread([&] {
    EXPECT_EQ(pool->Allocate(kLarge), block);
    pool->Free(block);
  }).join();
  const AllocatorStats stats = pool->Stats();
  EXPECT_EQ(stats.pinned_bytes, 0);
  EXPECT_EQ(stats.arenas[0].chunk_allocations, 1);
  EXPECT_EQ(stats.arenas[1].chunk_allocations, 0);
  EXPECT_EQ(stats.arenas[2].chunk_allocations, 0);
}

TEST_P(SharedBlocksTest, AThreadTakesWhatItHasJustFreed) {
  TestPool pool(Arenas(2));
  void* block = nullptr;
  Sleeper owner([&] { block = pool->Allocate(kLarge); });
  pool->Free(block);
  EXPECT_EQ(pool->Allocate(kLarge), block);
  pool->Free(block);
}

TEST_P(SharedBlocksTest, AnIdleThreadLeavesItsBlocksToOthersButOne) {
  TestPool pool(Arenas(2));
  std::vector<void*> blocks;
  Sleeper sleeper([&] {
    blocks = pool.Allocate(3, kLarge);
    pool.Free(blocks);
    PooledAllocator::MarkThreadIdle();
  });
  std::vector<void*> others = pool.Allocate(3, kLarge);
  EXPECT_THAT(blocks, testing::Contains(others[0]));
  EXPECT_THAT(blocks, testing::Contains(others[1]));
  EXPECT_THAT(blocks, testing::Not(testing::Contains(others[2])));
  pool.Free(others);
}

TEST_P(SharedBlocksTest, EveryOtherRequestThatTheyServeIsAHit) {
  constexpr int kBlocks = 6;
  for (const size_t size : {kLarge, 2 * kLarge}) {
    TestPool pool(Arenas(1));
    std::vector<void*> blocks;
    Sleeper owner([&] { blocks = pool.Allocate(kBlocks, size); });
    const uint64_t before = Hits(pool);
    pool.Free(blocks);
    blocks = pool.Allocate(kBlocks, size);
    EXPECT_EQ(Hits(pool) - before, kBlocks / 2) << size;
    pool.Free(blocks);
  }
}

TEST_P(SharedBlocksTest, SixteenOtherArenasAreAsked) {
  TestPool pool(Arenas(18));
  void* block = nullptr;
  Sleeper owner([&] { block = pool->Allocate(kLarge); });
  // This thread is the second arena's, of which the first is the seventeenth
  // neighbour.
  pool->Free(block);
  void* another = pool->Allocate(kLarge);
  EXPECT_NE(another, block);
  std::thread([&] {
    EXPECT_EQ(pool->Allocate(kLarge), block);
    pool->Free(block);
  }).join();
  pool->Free(another);
}

TEST_P(SharedBlocksTest, OneOfAnotherArenaCountsThereAndNotAsARequest) {
  TestPool pool(Arenas(2));
  void* block = nullptr;
  Sleeper owner([&] { block = pool->Allocate(kLarge); });
  pool->Free(block);
  const AllocatorStats before = pool->Stats();
  ASSERT_EQ(pool->Allocate(kLarge - 100), block);
  const AllocatorStats after = pool->Stats();
  EXPECT_EQ(after.requested_bytes - before.requested_bytes, kLarge - 100);
  EXPECT_EQ(Requests(after), Requests(before));
  EXPECT_EQ(after.arenas[0].allocated_bytes - before.arenas[0].allocated_bytes,
            kLarge);
  EXPECT_EQ(after.arenas[0].pinned_bytes, kLarge);
  EXPECT_EQ(after.arenas[1].allocated_bytes, 0);
  pool->Free(block);
}

TEST_P(SharedBlocksTest, OneOfAnotherArenaServesASampleToo) {
  PoolOptions options = Arenas(2);
  options.sampling = true;
  options.sample_interval_bytes = 1;  // every block of this size
  TestPool pool(options);
  void* block = nullptr;
  Sleeper owner([&] { block = pool->Allocate(kLarge); });
  pool->Free(block);
  const AllocatorStats before = pool->Stats();
  EXPECT_EQ(before.sampled_live_allocations, 0);
  EXPECT_EQ(pool->Allocate(kLarge), block);
  const AllocatorStats after = pool->Stats();
  EXPECT_EQ(after.sampled_live_allocations, 1);
  EXPECT_EQ(Requests(after), Requests(before));
  EXPECT_EQ(after.arenas[0].pinned_bytes, kLarge);
  pool->Free(block);
}

TEST_P(SharedBlocksTest, OnesOfAnotherArenaAreSampledAsOftenAsOthers) {
  constexpr int kRequests = 1000;
  PoolOptions options = Arenas(2);
  options.sampling = true;
  options.sample_interval_bytes = kLarge;  // 63 % of the blocks
  TestPool pool(options);
  void* block = nullptr;
  Sleeper owner([&] { block = pool->Allocate(kLarge); });
  pool->Free(block);
  uint64_t sampled = 0;
  for (int i = 0; i < kRequests; ++i) {
    ASSERT_EQ(pool->Allocate(kLarge), block);
    sampled += pool->Stats().sampled_live_allocations;
    pool->Free(block);
  }
  // Nine standard deviations of 15.
  EXPECT_GT(sampled, 632 - 137);
  EXPECT_LT(sampled, 632 + 137);
}

TEST_P(SharedBlocksTest, FromTheNinthInARowOnTheyGoHomeToTheOwner) {
  constexpr int kBlocks = 12;
  TestPool pool(Arenas(2));
  std::vector<void*> blocks = pool.Allocate(kBlocks, kLarge);
  const std::set<void*> first(blocks.begin(), blocks.begin() + 8);
  const std::set<void*> last(blocks.begin() + 8, blocks.end());
  std::thread([&] { pool.Free(blocks); }).join();
  // A thread of the other arena finds those that are shared, and takes pages
  // for more.
  std::vector<void*> others;
  std::thread([&] { others = pool.Allocate(kBlocks, kLarge); }).join();
  const std::set<void*> shared(others.begin(), others.begin() + 8);
  EXPECT_EQ(shared, first);
  for (int i = 8; i < kBlocks; ++i) {
    EXPECT_THAT(last, testing::Not(testing::Contains(others[i])));
  }
  std::vector<void*> home = pool.Allocate(kBlocks - 8, kLarge);
  EXPECT_EQ(std::set<void*>(home.begin(), home.end()), last);
  pool.Free(home);
  pool.Free(others);
}

TEST_P(SharedBlocksTest, AreOfAPageToAQuarterOfAMebibyte) {
  const ClassLayout layout(8192, 4 << 20, GetParam());
  for (int c = 0; c < layout.count(); ++c) {
    const size_t size = layout.size(c);
    EXPECT_EQ(SharedBlocks::Keeps(layout, c), 8192 <= size && size <= 256 << 10)
        << size;
  }
}

TEST_P(SharedBlocksTest, SmallBlocksGoHome) {
  TestPool pool(Arenas(2));
  void* block = nullptr;
  Sleeper owner([&] { block = pool->Allocate(1024); });
  pool->Free(block);
  void* another = pool->Allocate(1024);
  EXPECT_NE(another, block);
  pool->Free(another);
}

TEST_P(SharedBlocksTest, KeepsNoMoreThanTheBound) {
  constexpr int kOwners = 8;
  constexpr int kBlocks = 40;  // 2.5 MiB in all
  TestPool pool(Arenas(1));
  std::vector<std::vector<void*>> blocks(kOwners);
  std::vector<std::unique_ptr<Sleeper>> owners;
  for (int i = 0; i < kOwners; ++i) {
    owners.push_back(std::make_unique<Sleeper>(
        [&, i] { blocks[i] = pool.Allocate(kBlocks, kLarge); }));
  }
  // From one owner to the next, so that no row is long.
  Sleeper sleeper([&] {
    for (int n = 0; n < kBlocks; ++n) {
      for (int i = 0; i < kOwners; ++i) pool->Free(blocks[i][n]);
    }
    PooledAllocator::MarkThreadIdle();
  });
  EXPECT_EQ(Cached(pool), SharedBlocks::kMaxBytes);
}

TEST_P(SharedBlocksTest, TrimGivesThemBack) {
  TestPool pool(Arenas(1));
  void* block = nullptr;
  Sleeper owner([&] { block = pool->Allocate(kLarge); });
  pool->Free(block);
  PooledAllocator::MarkThreadIdle();
  ASSERT_EQ(Cached(pool), kLarge);
  pool->Trim();
  EXPECT_EQ(Cached(pool), 0);
  EXPECT_EQ(pool->Stats().arenas[0].reserved_bytes, 0);
}

TEST_P(SharedBlocksTest, MaintainGivesBackWhatNobodyNeeded) {
  PoolOptions options = Arenas(1);
  options.thread_cache_idle_trim = absl::Seconds(10);
  TestPool pool(options);
  std::vector<void*> blocks;
  Sleeper owner([&] { blocks = pool.Allocate(3, kLarge); });
  pool->Maintain();  // a period begins
  pool.Free(blocks);
  PooledAllocator::MarkThreadIdle();
  pool.clock.Advance(absl::Seconds(10));
  pool->Maintain();
  EXPECT_EQ(Cached(pool), 3 * kLarge) << "they came within this period";
  pool->Free(pool->Allocate(kLarge));
  PooledAllocator::MarkThreadIdle();
  pool.clock.Advance(absl::Seconds(9));
  pool->Maintain();
  EXPECT_EQ(Cached(pool), 3 * kLarge) << "the period is not over";
  pool.clock.Advance(absl::Seconds(1));
  pool->Maintain();
  EXPECT_EQ(Cached(pool), 2 * kLarge)
      << "of three one was needed, and one came along that the thread keeps";
}

TEST_P(SharedBlocksTest, NoneIsKeptWhenTheLimitIsReached) {
  PoolOptions options = Arenas(1);
  options.max_direct_memory_bytes = options.chunk_size_bytes();
  TestPool pool(options);
  void* block = nullptr;
  Sleeper owner([&] { block = pool->Allocate(kLarge); });
  pool->Free(block);
  PooledAllocator::MarkThreadIdle();
  void* all = pool->Allocate(options.chunk_size_bytes());
  EXPECT_NE(all, nullptr) << PooledAllocator::LastRefusal();
  pool->Free(all);
}

TEST_P(SharedBlocksTest, ASecondFreeIsCaughtAtOnce) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        PoolOptions options = Quiet(GetParam());
        auto pool = *PooledAllocator::Create(options);
        void* block = nullptr;
        Sleeper owner([&] { block = pool->Allocate(kLarge); });
        pool->Free(block);
        PooledAllocator::MarkThreadIdle();
        pool->Free(block);
      },
      "which is not in use: freed twice");
}

// Sixteen threads hand one another twenty messages; each frees one, makes
// another and goes idle. However the blocks wander, hardly more memory is taken
// than the messages need.
TEST_P(SharedBlocksTest, MessagesOnTheMoveNeedLittleMoreThanThemselves) {
  constexpr int kThreads = 16;
  constexpr int kInFlight = 20;
  constexpr int kRounds = 2000;
  PoolOptions options = Arenas(4);
  options.sampling = true;
  options.sample_interval_bytes = 1 << 20;
  TestPool pool(options);
  std::vector<std::atomic<void*>> slots(kInFlight);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      uint32_t random = t + 1;
      for (int i = 0; i < kRounds; ++i) {
        random = random * 1664525 + 1013904223;
        std::atomic<void*>& slot = slots[(random >> 16) % kInFlight];
        void* old = slot.exchange(nullptr);
        if (old != nullptr) pool->Free(old);
        void* message = pool->Allocate(kLarge);
        ASSERT_NE(message, nullptr);
        std::memset(message, t, kLarge);
        old = slot.exchange(message);
        if (old != nullptr) pool->Free(old);
        PooledAllocator::MarkThreadIdle();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  uint64_t peak = 0;
  for (const ArenaStats& arena : pool->Stats().arenas) {
    peak += arena.peak_used_bytes;
  }
  // A thread has two at a time, another may look just before it shares one, and
  // the arenas' peaks need not fall together; kept at home it would be
  // hundreds.
  EXPECT_LE(peak, (kInFlight + 8 * kThreads) * kLarge);
  for (std::atomic<void*>& slot : slots) pool->Free(slot.load());
}

}  // namespace
}  // namespace poolscope
