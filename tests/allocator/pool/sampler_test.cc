#include "poolscope/allocator/pool/sampler.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <set>

#include "gtest/gtest.h"
#include "poolscope/allocator/base/clock.h"
#include "poolscope/allocator/pool/memory_source.h"
#include "poolscope/allocator/pool/metadata_allocator.h"
#include "poolscope/tests/allocator/pool/fake_memory_source.h"

namespace poolscope {
namespace pool_internal {
namespace {

double Probability(double class_bytes, double interval) {
  return 1 - std::exp(-class_bytes / interval);
}

TEST(SamplePaceTest, WeightIsTheInverseOfTheProbability) {
  EXPECT_NEAR(SamplePace::Weight(64, 1), 1.0, 1e-12);
  EXPECT_NEAR(SamplePace::Weight(1024, 1024), 1 / Probability(1024, 1024),
              1e-12);
  // Rare samples: about interval / class, plus a half.
  EXPECT_NEAR(SamplePace::Weight(16, 1 << 20), 65536.5, 1e-3);
  EXPECT_GE(SamplePace::Weight(1 << 22, 1), 1.0);
}

TEST(SamplePaceTest, TheSameSeedDrawsTheSameGaps) {
  SamplePace one;
  SamplePace two;
  SamplePace other;
  one.Start(1 << 20, 5);
  two.Start(1 << 20, 5);
  other.Start(1 << 20, 6);
  int different = 0;
  for (int i = 0; i < 100; ++i) {
    const uint64_t gap = one.SampleGap(256);
    ASSERT_EQ(gap, two.SampleGap(256));
    if (gap != other.SampleGap(256)) ++different;
  }
  EXPECT_GT(different, 90);
}

// None is left to chance: of 16 bytes the draw would leave out one in e^16.
TEST(SamplePaceTest, AnIntervalOfOneByteSamplesEveryBlock) {
  SamplePace pace;
  pace.Start(1, 1);
  EXPECT_EQ(pace.interval_bytes(), 1);
  for (int i = 0; i < 100'000'000; ++i) ASSERT_EQ(pace.SampleGap(16), 1u);
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(pace.Toss(16));
  EXPECT_EQ(pace.Weight(16), 1.0);
  EXPECT_EQ(pace.Weight(1 << 22), 1.0);
  // Of two bytes it does.
  pace.Start(2, 1);
  int left_out = 0;
  for (int i = 0; i < 100'000; ++i) left_out += pace.SampleGap(16) > 1 ? 1 : 0;
  EXPECT_GT(left_out, 0);
  EXPECT_GT(pace.Weight(16), 1.0);
}

TEST(SamplePaceTest, OneInNCountsWhateverTheSize) {
  for (uint64_t n : {1, 2, 128, 100000}) {
    SamplePace pace;
    pace.Start(0, 1, n);
    double gaps = 0;
    int tossed = 0;
    constexpr int kDraws = 20000;
    for (int i = 0; i < kDraws; ++i) {
      gaps += pace.SampleGap(i % 2 == 0 ? 16 : 1 << 22);
      tossed += pace.Toss(i % 2 == 0 ? 16 : 1 << 22) ? 1 : 0;
    }
    const double p = 1.0 / n;
    EXPECT_NEAR(gaps / kDraws, n, 4 * std::sqrt((1 - p) / (p * p) / kDraws));
    EXPECT_NEAR(tossed, kDraws * p, 4 * std::sqrt(kDraws * p * (1 - p)));
    EXPECT_EQ(pace.Weight(16), n);
    EXPECT_EQ(pace.Weight(1 << 22), n);
  }
  SamplePace pace;
  pace.Start(0, 1, uint64_t{1} << 32);
  for (int i = 0; i < 1000; ++i) ASSERT_GE(pace.SampleGap(16), 1u);
}

TEST(SamplePaceTest, TossesFollowTheInterval) {
  SamplePace pace;
  pace.Start(4096, 1);
  constexpr int kDraws = 20000;
  int tossed = 0;
  for (int i = 0; i < kDraws; ++i) tossed += pace.Toss(1024) ? 1 : 0;
  const double p = Probability(1024, 4096);
  EXPECT_NEAR(tossed, kDraws * p, 4 * std::sqrt(kDraws * p * (1 - p)));
  EXPECT_NEAR(pace.Weight(1024), 1 / p, 1e-12);
}

TEST(SamplePaceTest, GapsAreAtLeastOneAndFinite) {
  SamplePace pace;
  pace.Start(SIZE_MAX, 9);
  for (int i = 0; i < 1000; ++i) {
    const uint64_t gap = pace.SampleGap(16);
    ASSERT_GE(gap, 1u);
    ASSERT_LE(gap, uint64_t{1} << 62);
  }
}

// The gap is geometric: mean 1 / p, variance (1 - p) / p^2.
TEST(SamplePaceTest, GapsHaveTheGeometricMeanOver100Seeds) {
  constexpr int kSeeds = 100;
  constexpr int kDraws = 200;
  const struct {
    size_t class_bytes;
    size_t interval;
  } kCases[] = {{16, 512 << 10},
                {256, 4096},
                {14336, 65536},
                {4096, 4096},
                {1 << 20, 512 << 10}};
  for (const auto& c : kCases) {
    double sum = 0;
    for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
      SamplePace pace;
      pace.Start(c.interval, seed);
      for (int i = 0; i < kDraws; ++i) sum += pace.SampleGap(c.class_bytes);
    }
    const double p = Probability(c.class_bytes, c.interval);
    const double n = kSeeds * kDraws;
    const double standard_error = std::sqrt((1 - p) / (p * p) / n);
    // The draws are fixed, so this holds always or never; four standard errors
    // are left by a right generator in one case of 16,000.
    EXPECT_NEAR(sum / n, 1 / p, 4 * standard_error)
        << c.class_bytes << " bytes, interval " << c.interval;
  }
}

// The first draw alone, as a short-lived thread makes: seeds must not share it.
TEST(SamplePaceTest, FirstGapsOfManySeedsAreGeometricToo) {
  constexpr int kSeeds = 4000;
  const double p = Probability(256, 4096);
  double sum = 0;
  int ones = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SamplePace pace;
    pace.Start(4096, seed);
    const uint64_t gap = pace.SampleGap(256);
    sum += gap;
    if (gap == 1) ++ones;
  }
  EXPECT_NEAR(sum / kSeeds, 1 / p, 4 * std::sqrt((1 - p) / (p * p) / kSeeds));
  EXPECT_NEAR(ones, kSeeds * p, 4 * std::sqrt(kSeeds * p * (1 - p)));
}

// Sums of weights over the sampled blocks estimate the number of all blocks.
TEST(SamplePaceTest, WeightsAreUnbiasedOver100Seeds) {
  constexpr int kSeeds = 100;
  constexpr uint64_t kBlocks = 20000;
  for (size_t class_bytes : {64, 1024, 14336, 131072}) {
    constexpr size_t kInterval = 65536;
    const double weight = SamplePace::Weight(class_bytes, kInterval);
    double sum = 0;
    for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
      SamplePace pace;
      pace.Start(kInterval, seed);
      for (uint64_t at = pace.SampleGap(class_bytes); at <= kBlocks;
           at += pace.SampleGap(class_bytes)) {
        sum += weight;
      }
    }
    const double p = Probability(class_bytes, kInterval);
    const double n = kSeeds * static_cast<double>(kBlocks);
    // A sampled block counts 1/p, the others 0: variance (1 - p) / p a block.
    EXPECT_NEAR(sum, n, 4 * std::sqrt(n * (1 - p) / p)) << class_bytes;
  }
}

TEST(SamplePaceTest, AFixedIntervalNeverAdapts) {
  SamplePace pace;
  pace.Start(4096, 1);
  for (int i = 0; i < 100; ++i) {
    pace.BeginSample();
    pace.EndSample();
  }
  EXPECT_EQ(pace.interval_bytes(), 4096);
}

TEST(SamplePaceTest, SamplesInARowStretchAnAdaptiveInterval) {
  SamplePace pace;
  pace.Start(0, 1);
  EXPECT_EQ(pace.interval_bytes(), SamplePace::kMinIntervalBytes);
  // One after another, samples take all of the thread's time.
  for (int i = 0; i < 50; ++i) {
    pace.BeginSample();
    pace.EndSample();
  }
  EXPECT_GT(pace.interval_bytes(), SamplePace::kMinIntervalBytes);
  EXPECT_LE(pace.interval_bytes(), SamplePace::kMaxIntervalBytes);
}

// What lies between a pause and going on is not the sample's.
TEST(SamplePaceTest, APauseIsNotPartOfTheCost) {
  const auto interval_after = [](bool pause) {
    SamplePace pace;
    pace.Start(0, 1);
    for (int i = 0; i < 50; ++i) {
      pace.BeginSample();
      if (pause) pace.PauseSample();
      const int64_t begun = PreciseNanos();
      while (PreciseNanos() - begun < 200'000) continue;
      if (pause) pace.BeginSample();
      pace.EndSample();
    }
    return pace.interval_bytes();
  };
  EXPECT_GT(interval_after(false), 1000 * SamplePace::kMinIntervalBytes);
  EXPECT_LT(interval_after(true), 1000 * SamplePace::kMinIntervalBytes);
}

class SamplerTest : public testing::Test {
 protected:
  SampleRecord* Add(size_t requested, size_t class_bytes, double weight,
                    int64_t nanos) {
    SampleRecord* record = sampler_.NewRecord();
    record->requested_bytes = requested;
    record->class_bytes = class_bytes;
    record->weight = weight;
    record->allocated_nanos = nanos;
    sampler_.Add(record);
    return record;
  }

  FakeMemorySource source_;
  MetadataAllocator metadata_{&source_};
  Sampler sampler_{&metadata_};
};

TEST_F(SamplerTest, StartsWithNothing) {
  const SampleTotals totals = sampler_.Totals();
  EXPECT_EQ(totals.live, 0u);
  EXPECT_EQ(totals.oldest_nanos, 0);
  EXPECT_EQ(totals.internal_fragmentation_bytes, 0);
}

TEST_F(SamplerTest, TotalsFollowTheLiveRecords) {
  SampleRecord* a = Add(100, 112, 2, 50);
  SampleRecord* b = Add(16, 16, 1000, 60);
  SampleRecord* c = Add(1025, 1280, 1.5, 70);
  SampleTotals totals = sampler_.Totals();
  EXPECT_EQ(totals.live, 3u);
  EXPECT_EQ(totals.oldest_nanos, 50);
  EXPECT_DOUBLE_EQ(totals.internal_fragmentation_bytes, 2 * 12 + 1.5 * 255);
  sampler_.Remove(b);  // the middle of the list
  EXPECT_EQ(sampler_.Totals().oldest_nanos, 50);
  sampler_.Remove(a);  // its end
  totals = sampler_.Totals();
  EXPECT_EQ(totals.live, 1u);
  EXPECT_EQ(totals.oldest_nanos, 70);
  EXPECT_DOUBLE_EQ(totals.internal_fragmentation_bytes, 1.5 * 255);
  sampler_.Remove(c);  // its head
  EXPECT_EQ(sampler_.Totals().live, 0u);
}

TEST_F(SamplerTest, IdsAreNeverUsedTwice) {
  std::set<uint64_t> ids;
  for (int i = 0; i < 100; ++i) {
    SampleRecord* record = Add(1, 16, 1, 1);
    EXPECT_TRUE(ids.insert(record->id).second);
    if (i % 3 == 0) sampler_.Remove(record);
  }
}

TEST_F(SamplerTest, RecordsAreReturnedToTheMetadata) {
  for (int i = 0; i < 10000; ++i) sampler_.Remove(Add(1, 16, 1, 1));
  for (int i = 0; i < 10000; ++i) sampler_.Discard(sampler_.NewRecord());
  EXPECT_EQ(source_.live_mappings(MemorySource::Use::kMetadata), 1);
}

TEST_F(SamplerTest, WithoutMemoryThereIsNoRecord) {
  source_.FailFrom(1);
  EXPECT_EQ(sampler_.NewRecord(), nullptr);
}

}  // namespace
}  // namespace pool_internal
}  // namespace poolscope
