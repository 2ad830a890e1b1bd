// Profiles of a real pool against a known pattern of allocations: exact where
// every block is sampled, else within what the sampling allows, and on average
// true.
//
// A block of class size s is sampled with probability p = 1 - e^(-s / I) at a
// weight of 1 / p. So n of them have an estimated number with the variance
// n (1 - p) / p, and estimated bytes with s^2 times that.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/debugging/symbolize.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/leak/leak_detector.h"
#include "poolscope/allocator/pool/pool_options.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/metrics/call_site.h"
#include "poolscope/metrics/heap_profile.h"
#include "poolscope/metrics/pprof_encoder.h"
#include "poolscope/tests/metrics/pprof_reader.h"

namespace poolscope {

constexpr size_t kIntervalBytes = 64 << 10;

// Allocates `count` blocks, and as many that it frees again, so that caches
// hand out blocks that were sampled before.
inline __attribute__((always_inline)) void Keep(PooledAllocator* pool,
                                                int count, size_t size,
                                                size_t alignment,
                                                std::vector<void*>* kept) {
  for (int i = 0; i < count; ++i) {
    void* const passing =
        alignment == 0 ? pool->Allocate(size) : pool->Allocate(size, alignment);
    kept->push_back(alignment == 0 ? pool->Allocate(size)
                                   : pool->Allocate(size, alignment));
    pool->Free(passing);
  }
}

// Call sites with linkage, so that the symbolizer knows no other names.
using Blocks = std::vector<void*>;
__attribute__((noinline)) void KeepSmall(PooledAllocator* pool, Blocks* kept) {
  Keep(pool, 2000, 64, 0, kept);
}
__attribute__((noinline)) void KeepOdd(PooledAllocator* pool, Blocks* kept) {
  Keep(pool, 500, 1000, 0, kept);
}
__attribute__((noinline)) void KeepMedium(PooledAllocator* pool, Blocks* kept) {
  Keep(pool, 100, 14336, 0, kept);
}
__attribute__((noinline)) void KeepLarge(PooledAllocator* pool, Blocks* kept) {
  Keep(pool, 8, 300000, 0, kept);
}
__attribute__((noinline)) void KeepHuge(PooledAllocator* pool, Blocks* kept) {
  Keep(pool, 1, 5 << 20, 0, kept);
}
__attribute__((noinline)) void KeepAligned(PooledAllocator* pool,
                                           Blocks* kept) {
  Keep(pool, 200, 3000, 1024, kept);
}
__attribute__((noinline)) void KeepFarAligned(PooledAllocator* pool,
                                              Blocks* kept) {
  Keep(pool, 100, 3000, 16384, kept);
}

namespace {

struct Site {
  const char* function;
  void (*keep)(PooledAllocator*, Blocks*);
};
constexpr Site kSites[] = {
    {"poolscope::KeepSmall()", KeepSmall},
    {"poolscope::KeepOdd()", KeepOdd},
    {"poolscope::KeepMedium()", KeepMedium},
    {"poolscope::KeepLarge()", KeepLarge},
    {"poolscope::KeepHuge()", KeepHuge},
    {"poolscope::KeepAligned()", KeepAligned},
    {"poolscope::KeepFarAligned()", KeepFarAligned},
};

// The figures of one call site.
struct Truth {
  double blocks = 0;
  double bytes = 0;            // of their classes
  double blocks_variance = 0;  // of one estimate
  double bytes_variance = 0;
};

// A pool with every site's blocks in it.
class Pattern {
 public:
  // `interval_bytes` 1: every block.
  Pattern(size_t interval_bytes, uint64_t seed, bool caches = true) {
    LeakDetectorOptions detector_options;
    detector_options.allocator = "test";
    detector_options.level = LeakLevel::kSimple;
    detector_options.log = [](absl::string_view) {};
    auto detector = LeakDetector::Create(detector_options);
    EXPECT_TRUE(detector.ok()) << detector.status();
    detector_ = *std::move(detector);
    PoolOptions options;
    options.name = "test";
    options.max_direct_memory_bytes = 256 << 20;
    options.use_thread_caches = caches;
    options.sample_interval_bytes = interval_bytes;
    options.sample_seed = seed;
    options.observer = detector_;
    auto pool = PooledAllocator::Create(options);
    EXPECT_TRUE(pool.ok()) << pool.status();
    pool_ = *std::move(pool);
    for (const Site& site : kSites) {
      Blocks blocks;
      site.keep(pool_.get(), &blocks);
      Truth& truth = truth_[site.function];
      for (void* block : blocks) {
        const double bytes =
            static_cast<double>(PooledAllocator::UsableSize(block));
        const double p = -std::expm1(-bytes / interval_bytes);
        // Every huge block has a record.
        const double variance = bytes > (4 << 20) ? 0 : (1 - p) / p;
        truth.blocks += 1;
        truth.bytes += bytes;
        truth.blocks_variance += variance;
        truth.bytes_variance += bytes * bytes * variance;
      }
      kept_.insert(kept_.end(), blocks.begin(), blocks.end());
    }
  }
  ~Pattern() {
    for (void* block : kept_) pool_->Free(block);
  }

  const std::map<std::string, Truth>& truth() const { return truth_; }
  PooledAllocator* pool() { return pool_.get(); }

  HeapProfile Profile() const {
    HeapProfileBuilder builder(FunctionAt);
    builder.Add("test", detector_->Live());
    return builder.Finish();
  }

 private:
  std::shared_ptr<LeakDetector> detector_;
  std::unique_ptr<PooledAllocator> pool_;
  std::map<std::string, Truth> truth_;
  Blocks kept_;
};

// By call site, straight from the profile.
std::map<std::string, Truth> Estimates(const HeapProfile& profile) {
  std::map<std::string, Truth> estimates;
  for (const HeapProfile::Sample& sample : profile.samples) {
    Truth& site = estimates[profile.functions.at(sample.stack[0])];
    site.blocks += sample.objects;
    site.bytes += sample.bytes;
  }
  return estimates;
}

class HeapProfileEstimatesTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { absl::InitializeSymbolizer("/proc/self/exe"); }
};

TEST_F(HeapProfileEstimatesTest, AreExactWhereEveryBlockIsSampled) {
  for (const bool caches : {true, false}) {
    Pattern pattern(/*interval_bytes=*/1, /*seed=*/1, caches);
    const absl::StatusOr<PprofProfile> profile =
        DecodePprof(EncodePprof(pattern.Profile()));
    ASSERT_TRUE(profile.ok()) << profile.status();
    std::map<std::string, int64_t> blocks = profile->Flat(0);
    std::map<std::string, int64_t> bytes = profile->Flat(1);
    EXPECT_EQ(blocks.size(), std::size(kSites));
    for (const auto& [function, truth] : pattern.truth()) {
      EXPECT_EQ(blocks[function], truth.blocks) << function;
      EXPECT_EQ(bytes[function], truth.bytes) << function;
    }
    const AllocatorStats stats = pattern.pool()->Stats();
    EXPECT_EQ(profile->Total(1),
              static_cast<int64_t>(stats.pinned_bytes + stats.huge_used_bytes));
  }
}

TEST_F(HeapProfileEstimatesTest, AreWithinThreeStandardErrors) {
  Pattern pattern(kIntervalBytes, /*seed=*/1);
  const absl::StatusOr<PprofProfile> profile =
      DecodePprof(EncodePprof(pattern.Profile()));
  ASSERT_TRUE(profile.ok()) << profile.status();
  std::map<std::string, int64_t> blocks = profile->Flat(0);
  std::map<std::string, int64_t> bytes = profile->Flat(1);
  for (const auto& [function, truth] : pattern.truth()) {
    // Half a unit for the rounding.
    EXPECT_NEAR(blocks[function], truth.blocks,
                3 * std::sqrt(truth.blocks_variance) + 0.5)
        << function;
    EXPECT_NEAR(bytes[function], truth.bytes,
                3 * std::sqrt(truth.bytes_variance) + 0.5)
        << function;
  }
}

TEST_F(HeapProfileEstimatesTest, HaveNoBiasOver100Seeds) {
  constexpr int kSeeds = 100;
  for (const bool caches : {true, false}) {
    std::map<std::string, Truth> sums;
    std::map<std::string, Truth> truth;
    int checks = 0;
    int beyond = 0;  // three standard errors
    for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
      Pattern pattern(kIntervalBytes, seed, caches);
      truth = pattern.truth();
      std::map<std::string, Truth> estimates = Estimates(pattern.Profile());
      for (const auto& [function, expected] : truth) {
        const Truth& estimate = estimates[function];
        sums[function].blocks += estimate.blocks;
        sums[function].bytes += estimate.bytes;
        ++checks;
        if (std::abs(estimate.bytes - expected.bytes) >
            3 * std::sqrt(expected.bytes_variance) + 1e-6) {
          ++beyond;
        }
      }
    }
    for (const auto& [function, expected] : truth) {
      const Truth& sum = sums[function];
      EXPECT_NEAR(sum.blocks / kSeeds, expected.blocks,
                  3 * std::sqrt(expected.blocks_variance / kSeeds) + 1e-6)
          << function << (caches ? "" : " without caches");
      EXPECT_NEAR(sum.bytes / kSeeds, expected.bytes,
                  3 * std::sqrt(expected.bytes_variance / kSeeds) + 1e-6)
          << function << (caches ? "" : " without caches");
    }
    // One in 370 of a normal distribution; these have a longer tail.
    EXPECT_LE(beyond, checks / 50);
  }
}

}  // namespace
}  // namespace poolscope
