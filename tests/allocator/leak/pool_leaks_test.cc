// The detector on a pool: what is forgotten is found, with where it was made.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/attributes.h"
#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/leak/creation_hint.h"
#include "poolscope/allocator/leak/expect_no_leaks.h"
#include "poolscope/allocator/leak/leak_detector.h"
#include "poolscope/allocator/leak/leak_scope.h"
#include "poolscope/allocator/leak/symbols.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/tests/allocator/pool/both_layouts.h"

namespace poolscope {

ABSL_ATTRIBUTE_NOINLINE void* ForgetMessage(PooledAllocator* pool) {
  void* block = pool->Allocate(14336);
  asm volatile("");
  return block;
}

namespace {

class PoolLeaksTest : public TestOverLayoutsAnd<CachesCase> {
 protected:
  void Make(LeakLevel level) {
    LeakDetectorOptions options;
    options.allocator = "test";
    options.level = level;
    options.log = [](absl::string_view) {};
    detector_ = LeakDetector::Create(std::move(options)).value();
    PoolOptions pool_options;
    pool_options.layout = layout();
    pool_options.use_thread_caches = param().caches;
    pool_options.max_direct_memory_bytes = 512 << 20;
    pool_options.observer = detector_;
    pool_ = PooledAllocator::Create(pool_options).value();
    detector_->ControlSampling([pool = pool_.get()](size_t interval_bytes) {
      pool->SetSampleInterval(interval_bytes);
    });
  }
  uint64_t leaked() {
    return detector_->Stats().leaks[static_cast<int>(LeakVerdict::kLeaked)];
  }

  std::shared_ptr<LeakDetector> detector_;
  std::unique_ptr<PooledAllocator> pool_;
};
INSTANTIATE_TEST_SUITE_P(Pools, PoolLeaksTest,
                         testing::Combine(BothLayouts(), CachesOnAndOff()),
                         PoolLeaksTest::Name);

// Netty's number 18.
TEST_P(PoolLeaksTest, FiftyThreadsThatFreeLeakNothingAndOneLeakIsOneReport) {
  Make(LeakLevel::kParanoid);
  std::vector<std::thread> threads;
  for (int t = 0; t < 50; ++t) {
    threads.emplace_back([&, t] {
      const std::string name = "worker " + std::to_string(t);
      CreationHint hint(name);
      std::vector<void*> blocks;
      for (int i = 0; i < 100; ++i) {
        blocks.push_back(pool_->Allocate(64 << (i + t) % 12));
        detector_->Touch(PooledAllocator::SampleId(blocks.back()), "touched");
      }
      for (void* block : blocks) pool_->Free(block);
    });
  }
  for (std::thread& thread : threads) thread.join();
  detector_->Check();
  EXPECT_TRUE(detector_->Reports().empty());
  EXPECT_EQ(detector_->Stats().tracked, 0u);
  EXPECT_EQ(detector_->Stats().sampling_ratio, 1);

  void* forgotten = nullptr;
  std::thread([&] {
    CreationHint hint("the forgetful one");
    forgotten = ForgetMessage(pool_.get());
  }).join();
  pool_.reset();
  EXPECT_EQ(leaked(), 1u);
  const std::vector<LeakReport> reports = detector_->Reports();
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].count, 1u);
  EXPECT_EQ(reports[0].creation.hint, "the forgetful one");
  EXPECT_EQ(reports[0].cause, LeakCause::kAllocatorClosed);
  const std::string text = LeakText(reports[0]);
  EXPECT_TRUE(absl::StrContains(text,
                                "Created at:\n\tHint: the forgetful one\n"
                                "\tpoolscope::ForgetMessage() ("))
      << text;
  PooledAllocator::FreeBlock(forgotten);
  EXPECT_EQ(detector_->Reports().at(0).live, 0u);
}

TEST_P(PoolLeaksTest, AScopeSeesEveryBlockOfAWarmCache) {
  Make(LeakLevel::kSimple);
  for (int i = 0; i < 10000; ++i) pool_->Free(pool_->Allocate(256));
  void* forgotten = nullptr;
  {
    LeakScope scope(detector_);
    for (int i = 0; i < 100; ++i) pool_->Free(pool_->Allocate(256));
    forgotten = pool_->Allocate(256);
    const std::vector<LeakReport> leaks = scope.End();
    ASSERT_EQ(leaks.size(), 1u);
    EXPECT_EQ(leaks[0].id, PooledAllocator::SampleId(forgotten));
  }
  ExpectNoLeaks no_leaks(detector_);
  pool_->Free(forgotten);
  pool_->Free(pool_->Allocate(100));
}

TEST_P(PoolLeaksTest, LiveWeightsEstimateTheBlocksInUse) {
  Make(LeakLevel::kParanoid);
  std::vector<void*> blocks;
  for (int i = 0; i < 500; ++i) blocks.push_back(ForgetMessage(pool_.get()));
  const LiveAllocations live = detector_->Live();
  ASSERT_EQ(live.allocations.size(), 500u);
  ASSERT_EQ(live.stacks.size(), 1u);
  EXPECT_EQ(FunctionName(live.stacks[0].at(CountOwnFrames(live.stacks[0]))),
            "poolscope::ForgetMessage()");
  uint64_t bytes = 0;
  for (const LiveAllocation& block : live.allocations) {
    EXPECT_EQ(block.allocation.weight, 1);
    bytes += block.allocation.class_bytes;
  }
  EXPECT_EQ(bytes, pool_->Stats().pinned_bytes);
  for (void* block : blocks) pool_->Free(block);
  EXPECT_TRUE(detector_->Live().allocations.empty());
}

// Threads at work while the level changes and reports are read.
TEST_P(PoolLeaksTest, LevelsChangeUnderLoad) {
  Make(LeakLevel::kSimple);
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::vector<void*> blocks;
      for (uint32_t i = t; !stop.load(); ++i) {
        blocks.push_back(pool_->Allocate(64 << i % 8));
        detector_->Touch(PooledAllocator::SampleId(blocks.back()), "at work");
        if (blocks.size() < 50) continue;
        for (void* block : blocks) pool_->Free(block);
        blocks.clear();
      }
      for (void* block : blocks) pool_->Free(block);
    });
  }
  for (int i = 0; i < 60; ++i) {
    detector_->SetLevel(kLeakLevels[i % 4]);
    detector_->Reports();
    detector_->Live();
    detector_->Stats();
    std::this_thread::yield();
  }
  stop.store(true);
  for (std::thread& thread : threads) thread.join();
  detector_->SetLevel(LeakLevel::kParanoid);
  EXPECT_EQ(detector_->Stats().tracked, 0u);
  pool_.reset();
  EXPECT_EQ(leaked(), 0u);
}

// The level may be changed while the allocator is being destroyed.
TEST_P(PoolLeaksTest, TheLevelOutlivesTheAllocator) {
  for (int round = 0; round < 20; ++round) {
    Make(LeakLevel::kSimple);
    std::atomic<bool> begun{false};
    std::thread changer([&] {
      for (int i = 0; i < 100; ++i) {
        detector_->SetLevel(kLeakLevels[i % 4]);
        begun.store(true);
      }
    });
    while (!begun.load()) std::this_thread::yield();
    pool_.reset();
    changer.join();
  }
}

}  // namespace
}  // namespace poolscope
