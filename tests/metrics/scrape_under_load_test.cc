// Ten thousand scrapes while eight threads allocate, free, and free each
// other's blocks: the identities hold in every one of them, and no counter
// falls.

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/metrics/metric_registry.h"
#include "poolscope/metrics/metric_writer.h"
#include "poolscope/metrics/text_writer.h"
#include "poolscope/tests/metrics/exposition.h"

namespace poolscope {
namespace {

constexpr int kThreads = 8;
constexpr int kScrapes = 10000;
constexpr int kArenas = 2;

// Keeps what is needed to check the identities, and last time's counters.
class IdentityWriter final : public MetricWriter {
 public:
  using MetricWriter::ShareLabels;
  using MetricWriter::WriteSample;
  void BeginFamily(const MetricDescriptor& family) override {
    name_ = std::string(family.name);
    counter_ = family.type == MetricType::kCounter;
  }
  void ShareLabels(Labels labels) override {
    shared_.clear();
    for (const MetricLabel& label : labels) {
      if (label.name == "allocator") continue;
      shared_.emplace_back(std::string(label.name), std::string(label.value));
    }
  }
  void WriteSample(Labels labels, MetricValue value) override {
    if (!value.is_integer()) return;
    key_ = name_;
    const auto add_label = [&](absl::string_view name, absl::string_view text) {
      absl::StrAppend(&key_, " ", text);
      // Sums over the other labels, by arena or by kind.
      if (name == "arena" || name == "kind") {
        sums_[absl::StrCat(name_, " ", name, " ", text)] += value.integer();
      }
    };
    for (const auto& [name, text] : shared_) add_label(name, text);
    for (const MetricLabel& label : labels) add_label(label.name, label.value);
    if (!counter_) return;
    uint64_t& last = last_counters_[key_];
    EXPECT_GE(value.integer(), last) << key_;
    last = value.integer();
  }
  void WriteHistogram(Labels, const HistogramValue& value) override {
    uint64_t last = 0;
    for (const HistogramBucket& bucket : value.buckets) {
      EXPECT_GE(bucket.cumulative_count, last) << name_;
      last = bucket.cumulative_count;
    }
    EXPECT_GE(value.count, last) << name_;
  }
  void WriteSummary(Labels, const SummaryValue&) override {}
  void EndFamily() override { shared_.clear(); }

  // Checks the scrape just written and forgets it.
  void Check() {
    for (int arena = 0; arena < kArenas; ++arena) {
      const auto sum = [&](const char* metric) {
        return sums_.at(absl::StrCat("poolscope_", metric, " arena ", arena));
      };
      EXPECT_EQ(sum("chunks"), sum("chunk_allocations_total") -
                                   sum("chunk_deallocations_total"));
      EXPECT_EQ(sum("arena_used_bytes") + sum("chunk_list_free_bytes"),
                sum("arena_reserved_bytes"));
      EXPECT_EQ(
          sum("arena_allocations_total") - sum("arena_deallocations_total"),
          sum("arena_active_allocations"));
      EXPECT_GE(sum("arena_peak_used_bytes"), sum("arena_used_bytes"));
      // Huge blocks are allocated and freed, but pin no chunk.
      EXPECT_GE(
          sum("arena_allocated_bytes_total") - sum("arena_freed_bytes_total"),
          sum("arena_pinned_bytes"));
    }
    for (const char* kind : {"small", "normal"}) {
      const auto sum = [&](const char* metric) {
        return sums_.at(absl::StrCat("poolscope_", metric, " kind ", kind));
      };
      EXPECT_EQ(
          sum("thread_cache_hits_total") + sum("thread_cache_misses_total"),
          sum("thread_cache_requests_total"));
      EXPECT_EQ(
          sum("arena_allocations_total") - sum("arena_deallocations_total"),
          sum("arena_active_allocations"));
    }
    sums_.clear();
  }

 private:
  std::string name_;
  std::vector<std::pair<std::string, std::string>> shared_;
  bool counter_ = false;
  std::string key_;
  absl::flat_hash_map<std::string, uint64_t> sums_;
  absl::flat_hash_map<std::string, uint64_t> last_counters_;
};

TEST(ScrapeUnderLoadTest, IdentitiesHoldTenThousandTimes) {
  PoolOptions options;
  options.max_direct_memory_bytes = 64 << 20;
  options.arenas = kArenas;
  options.empty_chunk_decay = absl::ZeroDuration();
  absl::StatusOr<std::unique_ptr<PooledAllocator>> created =
      PooledAllocator::Create(options);
  ASSERT_TRUE(created.ok()) << created.status();
  PooledAllocator& pool = **created;
  MetricRegistry registry(MetricRegistryOptions{});
  ASSERT_TRUE(
      registry.AddAllocator("p", [&](bool) { return pool.Stats(); }).ok());

  // Each thread puts its block in a slot and frees the one that was there,
  // which is most often another thread's.
  std::array<std::atomic<void*>, 64> slots{};
  std::atomic<bool> stop = false;
  std::atomic<uint64_t> pairs = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      std::minstd_rand random(i + 1);
      const std::array<size_t, 8> sizes = {16,    256,    1024,    14336,
                                           40000, 262144, 2000000, 5000000};
      uint64_t done = 0;
      while (!stop) {
        // Large ones are rare.
        size_t pick = random() % 64;
        pick = pick < 60 ? pick % 5 : 4 + pick % 4;
        void* block = pool.Allocate(sizes[pick]);
        if (random() % 4 == 0) {
          block = slots[random() % slots.size()].exchange(block);
        }
        pool.Free(block);
        if (++done % 4096 == 0) PooledAllocator::MarkThreadIdle();
      }
      pairs += done;
    });
  }

  IdentityWriter writer;
  TextWriter text;
  for (int i = 0; i < kScrapes && !HasFailure(); ++i) {
    registry.Collect(writer);
    writer.Check();
    if (i % 100 == 0) {
      text.Clear();
      registry.Collect(text);
      const absl::StatusOr<Exposition> scrape = ParseExposition(text.text());
      ASSERT_TRUE(scrape.ok()) << scrape.status();
      EXPECT_TRUE(CheckIdentities(*scrape).ok()) << CheckIdentities(*scrape);
    }
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  for (std::atomic<void*>& slot : slots) pool.Free(slot.load());

  EXPECT_GT(pairs, 10000u);
  registry.Collect(writer);
  writer.Check();
  const AllocatorStats stats = pool.Stats();
  EXPECT_EQ(stats.pinned_bytes, 0u);
  EXPECT_EQ(stats.huge_used_bytes, 0u);
  EXPECT_TRUE(pool.CheckInvariants().ok()) << pool.CheckInvariants();
}

}  // namespace
}  // namespace poolscope
