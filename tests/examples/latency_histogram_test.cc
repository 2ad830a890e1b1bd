#include "poolscope/examples/demo/latency_histogram.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "absl/time/time.h"

namespace poolscope::demo {
namespace {

TEST(LatencyHistogramTest, WithoutValuesThereIsNoPercentile) {
  const LatencyHistogram histogram;
  EXPECT_FALSE(histogram.Snapshot().Percentile(0.5).has_value());
  EXPECT_EQ(histogram.Snapshot().count(), 0u);
}

TEST(LatencyHistogramTest, APercentileIsNeverTooLowAndAtMostThreePercentHigh) {
  for (int64_t micros = 1; micros < int64_t{1} << 34;
       micros += micros / 7 + 1) {
    LatencyHistogram histogram;
    histogram.Record(absl::Microseconds(micros));
    const int64_t got =
        absl::ToInt64Microseconds(*histogram.Snapshot().Percentile(0.99));
    ASSERT_GE(got, micros);
    ASSERT_LE(static_cast<double>(got), static_cast<double>(micros) * 1.032);
  }
}

TEST(LatencyHistogramTest, ThePercentileIsTheLastValueOfItsBucket) {
  // One microsecond a bucket up to 63, then two, four, ...
  constexpr int kValues[][2] = {{31, 31}, {32, 32}, {63, 63},
                                {64, 65}, {65, 65}, {128, 131}};
  for (const auto& [micros, last] : kValues) {
    LatencyHistogram histogram;
    histogram.Record(absl::Microseconds(micros));
    EXPECT_EQ(*histogram.Snapshot().Percentile(1), absl::Microseconds(last))
        << micros;
  }
}

TEST(LatencyHistogramTest, PercentilesCountValues) {
  LatencyHistogram histogram;
  for (int i = 1; i <= 100; ++i) histogram.Record(absl::Milliseconds(i));
  const LatencySnapshot all = histogram.Snapshot();
  EXPECT_NEAR(absl::ToDoubleMilliseconds(*all.Percentile(0.5)), 50, 2);
  EXPECT_NEAR(absl::ToDoubleMilliseconds(*all.Percentile(0.99)), 99, 4);
  EXPECT_GE(*all.Percentile(1), absl::Milliseconds(100));
  EXPECT_LT(*all.Percentile(0), absl::Milliseconds(2));
}

TEST(LatencyHistogramTest, SinceIsWhatCameBetweenTwoSnapshots) {
  LatencyHistogram histogram;
  histogram.Record(absl::Seconds(10));
  const LatencySnapshot before = histogram.Snapshot();
  histogram.Record(absl::Milliseconds(1));
  const LatencySnapshot recent = histogram.Snapshot().Since(before);
  EXPECT_EQ(recent.count(), 1u);
  EXPECT_LT(*recent.Percentile(1), absl::Milliseconds(2));
}

TEST(LatencyHistogramTest, ValuesOutOfRangeCountAtItsEnds) {
  LatencyHistogram histogram;
  histogram.Record(absl::Seconds(-1));
  EXPECT_EQ(*histogram.Snapshot().Percentile(1), absl::ZeroDuration());
  histogram.Record(absl::Hours(1000));
  EXPECT_GE(*histogram.Snapshot().Percentile(1), absl::Hours(19));
}

}  // namespace
}  // namespace poolscope::demo
