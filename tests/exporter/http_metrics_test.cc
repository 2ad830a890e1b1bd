#include "poolscope/exporter/http_metrics.h"

#include "gtest/gtest.h"

namespace poolscope {
namespace {

uint64_t Requests(const HttpHandlerStats& handler, int code) {
  for (const HttpCodeCount& count : handler.codes) {
    if (count.code == code) return count.requests;
  }
  return 999;
}

TEST(HttpMetricsTest, EverySeriesIsThereAtZero) {
  const HttpStats stats = HttpMetrics({"/a", "other"}).Snapshot();
  ASSERT_EQ(stats.size(), 2u);
  for (const HttpHandlerStats& handler : stats) {
    for (int code :
         {200, 304, 400, 401, 403, 404, 405, 409, 414, 429, 431, 500, 503}) {
      EXPECT_EQ(Requests(handler, code), 0u) << code;
    }
    EXPECT_EQ(handler.duration_count, 0u);
    EXPECT_EQ(handler.durations.size(), HttpMetrics::kBounds.size());
  }
}

TEST(HttpMetricsTest, CountsByHandlerAndCode) {
  HttpMetrics metrics({"/a", "other"});
  metrics.Record("/a", 200, 0);
  metrics.Record("/a", 200, 0);
  metrics.Record("/a", 405, 0);
  metrics.Record("/unknown", 404, 0);
  metrics.Record("", 418, 0);
  const HttpStats stats = metrics.Snapshot();
  EXPECT_EQ(Requests(stats[0], 200), 2u);
  EXPECT_EQ(Requests(stats[0], 405), 1u);
  EXPECT_EQ(Requests(stats[1], 404), 1u);
  EXPECT_EQ(Requests(stats[1], 500), 1u);
}

TEST(HttpMetricsTest, BucketsIncludeTheirBoundAndAddUp) {
  HttpMetrics metrics({"other"});
  metrics.Record("other", 200, 0.001);
  metrics.Record("other", 200, 0.0011);
  metrics.Record("other", 200, 11);
  const HttpHandlerStats handler = metrics.Snapshot()[0];
  for (const HistogramBucket& bucket : handler.durations) {
    const uint64_t expected = bucket.upper_bound < 0.001    ? 0
                              : bucket.upper_bound < 0.0025 ? 1
                                                            : 2;
    EXPECT_EQ(bucket.cumulative_count, expected) << bucket.upper_bound;
  }
  EXPECT_EQ(handler.duration_count, 3u);
  EXPECT_NEAR(handler.duration_sum_seconds, 11.0021, 1e-6);
}

}  // namespace
}  // namespace poolscope
