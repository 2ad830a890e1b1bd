// Random traces against a model that knows which ranges of addresses are live.
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/tests/allocator/pool/both_layouts.h"
#include "poolscope/tests/allocator/pool/fake_memory_source.h"
#include "poolscope/tests/allocator/pool/stress/block.h"
#include "poolscope/tests/allocator/pool/stress/threads.h"
#include "poolscope/tests/allocator/pool/stress/trace.h"
#include "poolscope/tests/allocator/pool/stress/work_scale.h"

namespace poolscope {
namespace {

// The live blocks' usable ranges. Thread-safe.
class LiveRanges {
 public:
  // False when the range overlaps another.
  bool Add(const void* address, size_t bytes) {
    const uintptr_t start = reinterpret_cast<uintptr_t>(address);
    std::lock_guard<std::mutex> lock(mutex_);
    auto after = ends_.lower_bound(start);
    if (after != ends_.end() && after->first < start + bytes) return false;
    if (after != ends_.begin() && std::prev(after)->second > start) {
      return false;
    }
    ends_[start] = start + bytes;
    return true;
  }
  bool Remove(const void* address) {
    std::lock_guard<std::mutex> lock(mutex_);
    return ends_.erase(reinterpret_cast<uintptr_t>(address)) == 1;
  }

 private:
  std::mutex mutex_;
  std::map<uintptr_t, uintptr_t> ends_;
};

struct TraceCase {
  std::string name;
  uint64_t seed;
  size_t page_bytes;
  int max_order;
  int arenas;
  bool caches;
  size_t sample_interval_bytes;
  uint64_t trim_interval;
  size_t cache_max_bytes;
};

class RandomTraceTest : public TestOverLayoutsAnd<TraceCase> {
 protected:
  void SetUp() override {
    const TraceCase& trace = param();
    PoolOptions options;
    options.layout = layout();
    options.name = trace.name;
    options.max_direct_memory_bytes = 256 << 20;
    options.page_size_bytes = trace.page_bytes;
    options.max_order = trace.max_order;
    options.arenas = trace.arenas;
    options.use_thread_caches = trace.caches;
    options.sample_interval_bytes = trace.sample_interval_bytes;
    options.thread_cache_trim_interval = trace.trim_interval;
    options.thread_cache_max_bytes = trace.cache_max_bytes;
    options.thread_cache_initial_bytes = trace.cache_max_bytes / 8;
    options.memory_source = &source_;
    auto pool = PooledAllocator::Create(options);
    ASSERT_TRUE(pool.ok()) << pool.status();
    pool_ = *std::move(pool);
  }

  // Nothing is in use, and nothing remains mapped without an allocator.
  void ExpectNothingLeft() {
    const AllocatorStats stats = pool_->Stats();
    EXPECT_EQ(stats.pinned_bytes, 0);
    EXPECT_EQ(stats.huge_used_bytes, 0);
    EXPECT_EQ(stats.sampled_live_allocations, 0);
    EXPECT_EQ(ActiveBlocks(stats), 0);
    EXPECT_TRUE(pool_->CheckInvariants().ok()) << pool_->CheckInvariants();
    pool_.reset();
    EXPECT_EQ(source_.live_mappings(MemorySource::Use::kBlocks), 0);
    EXPECT_EQ(source_.live_mappings(MemorySource::Use::kMetadata), 0);
  }

  FakeMemorySource source_;
  LiveRanges ranges_;
  std::unique_ptr<PooledAllocator> pool_;
};

// One thread's share of a trace.
class Tracer {
 public:
  Tracer(PooledAllocator* pool, LiveRanges* ranges, uint64_t seed,
         size_t most_live)
      : pool_(pool),
        ranges_(ranges),
        random_(seed),
        chunk_bytes_(pool->options().chunk_size_bytes()),
        most_live_(most_live),
        next_id_(seed << 40) {}

  // `others`: where blocks go to and come from; empty for a thread alone.
  void Run(int steps, const std::vector<Handover*>& others, Handover* own) {
    for (int i = 0; i < steps; ++i) {
      const uint64_t dice = Below(&random_, 100);
      if (!others.empty() && dice < 15 && !live_.empty()) {
        others[Below(&random_, others.size())]->Put(TakeAny());
      } else if (own != nullptr && dice < 30) {
        std::optional<Block> block = own->TryTake();
        if (block.has_value()) live_.push_back(*block);
      } else if (live_.size() < Below(&random_, most_live_)) {
        Allocate();
      } else if (!live_.empty()) {
        Free(TakeAny());
      }
      if (Below(&random_, 2000) == 0) PooledAllocator::MarkThreadIdle();
      if (Below(&random_, 4000) == 0) pool_->Maintain();
      if (Below(&random_, 4000) == 0) pool_->Trim();
    }
  }

  void FreeAll() {
    while (!live_.empty()) Free(TakeAny());
  }

  void Free(const Block& block) {
    EXPECT_TRUE(BlockIsIntact(block))
        << "block " << block.id << " of " << block.size << " bytes at "
        << block.address << " was overwritten";
    EXPECT_TRUE(ranges_->Remove(block.address));
    switch (Below(&random_, 3)) {
      case 0:
        return pool_->Free(block.address);
      case 1:
        return pool_->Free(block.address, block.size);
      default:
        return PooledAllocator::FreeBlock(block.address);
    }
  }

 private:
  Block TakeAny() {
    std::swap(live_[Below(&random_, live_.size())], live_.back());
    const Block block = live_.back();
    live_.pop_back();
    return block;
  }

  void Allocate() {
    Block block;
    block.size = RandomSize(&random_, chunk_bytes_);
    block.id = next_id_++;
    size_t alignment = 16;
    if (Below(&random_, 5) == 0) {
      // Mostly within a page: beyond, each block takes pages of its own.
      alignment = size_t{1} << Below(&random_, 13);
      if (Below(&random_, 8) == 0) {
        while (alignment < chunk_bytes_ && Below(&random_, 4) != 0) {
          alignment *= 2;
        }
      }
    }
    block.address = alignment == 16 ? pool_->Allocate(block.size)
                                    : pool_->Allocate(block.size, alignment);
    if (block.address == nullptr) {
      EXPECT_EQ(PooledAllocator::LastRefusal().code(),
                absl::StatusCode::kResourceExhausted);
      FreeAll();
      return;
    }
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block.address) % alignment, 0)
        << block.size << " bytes aligned to " << alignment;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block.address) % 16, 0);
    const size_t usable = PooledAllocator::UsableSize(block.address);
    EXPECT_GE(usable, block.size);
    EXPECT_TRUE(ranges_->Add(block.address, usable))
        << "block " << block.id << " of " << block.size << " bytes at "
        << block.address << " overlaps a live one";
    FillBlock(block);
    live_.push_back(block);
  }

  PooledAllocator* const pool_;
  LiveRanges* const ranges_;
  Random random_;
  const size_t chunk_bytes_;
  const size_t most_live_;
  uint64_t next_id_;
  std::vector<Block> live_;
};

TEST_P(RandomTraceTest, OneThread) {
  Tracer tracer(pool_.get(), &ranges_, param().seed, 600);
  for (int round = 0; round < 10; ++round) {
    tracer.Run(Scaled(12000), {}, nullptr);
    ASSERT_TRUE(pool_->CheckInvariants().ok()) << pool_->CheckInvariants();
  }
  tracer.FreeAll();
  ExpectNothingLeft();
}

TEST_P(RandomTraceTest, FourThreadsHandBlocksToOneAnother) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 6;
  std::vector<Handover> handovers(kThreads);
  Barrier barrier(kThreads + 1);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      Tracer tracer(pool_.get(), &ranges_, param().seed * 100 + t, 200);
      std::vector<Handover*> others;
      for (int o = 0; o < kThreads; ++o) {
        if (o != t) others.push_back(&handovers[o]);
      }
      for (int round = 0; round < kRounds; ++round) {
        tracer.Run(Scaled(6000), others, &handovers[t]);
        // Every thread stands still while the main one looks.
        PooledAllocator::MarkThreadIdle();
        barrier.Arrive();
        barrier.Arrive();
      }
      tracer.FreeAll();
      barrier.Arrive();
      while (std::optional<Block> block = handovers[t].TryTake()) {
        tracer.Free(*block);
      }
    });
  }
  for (int round = 0; round < kRounds; ++round) {
    barrier.Arrive();
    EXPECT_TRUE(pool_->CheckInvariants().ok()) << pool_->CheckInvariants();
    barrier.Arrive();
  }
  barrier.Arrive();
  for (std::thread& thread : threads) thread.join();
  ExpectNothingLeft();
}

INSTANTIATE_TEST_SUITE_P(
    Traces, RandomTraceTest,
    testing::Combine(
        BothLayouts(),
        testing::Values(
            TraceCase{"defaults", 1, 8192, 9, 2, true, 0, 8192, 16 << 20},
            TraceCase{"other_seed", 2, 8192, 9, 2, true, 0, 8192, 16 << 20},
            TraceCase{"small_chunks", 3, 4096, 4, 3, true, 16384, 64, 1 << 20},
            TraceCase{"large_pages", 4, 65536, 6, 1, true, 1 << 20, 512,
                      4 << 20},
            TraceCase{"every_block_sampled", 5, 8192, 8, 2, true, 1, 8192,
                      8 << 20},
            TraceCase{"one_page_chunks", 6, 8192, 0, 2, true, 65536, 256,
                      64 << 10},
            TraceCase{"no_caches", 7, 8192, 9, 2, false, 0, 8192, 16 << 20})),
    RandomTraceTest::Name);

}  // namespace
}  // namespace poolscope
