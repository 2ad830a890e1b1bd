// The sample interval changes while threads are at work: what comes after a
// change is sampled under it.
#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/tests/allocator/pool/both_layouts.h"
#include "poolscope/tests/allocator/pool/recording_observer.h"
#include "poolscope/tests/allocator/pool/stress/work_scale.h"

namespace poolscope {
namespace {

class SampleIntervalTest : public TestOverLayoutsAnd<CachesCase> {};
INSTANTIATE_TEST_SUITE_P(Intervals, SampleIntervalTest,
                         testing::Combine(BothLayouts(), CachesOnAndOff()),
                         SampleIntervalTest::Name);

TEST_P(SampleIntervalTest, HoldsForEveryAllocationAfterAChange) {
  constexpr int kThreads = 4;
  constexpr int kChanges = Scaled(500);
  auto observer = std::make_shared<RecordingObserver>();
  PoolOptions options;
  options.layout = layout();
  options.use_thread_caches = param().caches;
  options.max_direct_memory_bytes = 256 << 20;
  options.arenas = 2;
  options.sample_interval_bytes = size_t{1} << 60;
  options.observer = observer;
  auto pool = PooledAllocator::Create(options);
  ASSERT_TRUE(pool.ok()) << pool.status();

  // Odd while every block is to be sampled: set after the change to that, and
  // even before the change back.
  std::atomic<uint64_t> phase{0};
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> in_odd_phases{0};
  std::atomic<uint64_t> unsampled{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (uint32_t i = t; !stop.load(); ++i) {
        const uint64_t before = phase.load();
        void* block = i % 64 == 0 ? (*pool)->Allocate(100, 16384)
                                  : (*pool)->Allocate(64 << i % 8);
        const uint64_t after = phase.load();
        if (before == after && before % 2 == 1) {
          in_odd_phases.fetch_add(1, std::memory_order_relaxed);
          if (PooledAllocator::SampleId(block) == 0) unsampled.fetch_add(1);
        }
        (*pool)->Free(block);
        if (i % 1000 == 0) PooledAllocator::MarkThreadIdle();
      }
    });
  }
  for (int i = 0; i < kChanges; ++i) {
    (*pool)->SetSampleInterval(1);
    phase.fetch_add(1);
    const uint64_t seen = in_odd_phases.load();
    while (in_odd_phases.load() == seen) std::this_thread::yield();
    phase.fetch_add(1);
    (*pool)->SetSampleInterval(0);
  }
  stop.store(true);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(unsampled.load(), 0u);
  EXPECT_GE(in_odd_phases.load(), uint64_t{kChanges});
  EXPECT_TRUE(observer->live().empty());
  EXPECT_EQ((*pool)->Stats().sampled_live_allocations, 0u);
  EXPECT_TRUE((*pool)->CheckInvariants().ok());
}

}  // namespace
}  // namespace poolscope
