#include "poolscope/examples/demo/report.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/time/time.h"
#include "poolscope/examples/demo/latency_histogram.h"
#include "poolscope/examples/demo/scenario.h"

namespace poolscope::demo {
namespace {

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(ReportTest, SteadyIsExpectedToHoldAtMost560KiB) {
  DemoOptions options;
  options.scenario = *FindScenario("steady");
  const std::string text = ExpectationText(options);
  EXPECT_TRUE(Contains(text, "= 2.7 MiB/s")) << text;
  EXPECT_TRUE(Contains(text, "10 to 20 messages")) << text;
  EXPECT_TRUE(Contains(text, "280.0 KiB to 560.0 KiB")) << text;
}

TEST(ReportTest, ALineHoldsTheRatesOfItsIntervalUnderItsHeader) {
  LatencyHistogram round_trips;
  Sample before;
  before.elapsed = absl::Seconds(4);
  before.messages.sent = 1000;
  before.messages.answered = 900;
  Sample now;
  now.elapsed = absl::Seconds(6);
  now.messages.sent = 1400;
  now.messages.answered = 1280;
  now.messages.failed[0] = 20;
  now.messages.in_flight = 100;
  round_trips.Record(absl::Milliseconds(64));
  now.round_trips = round_trips.Snapshot();
  now.pool.direct_used_bytes = 8 << 20;
  now.pool.pinned_bytes = 210 << 10;
  now.pool.huge_used_bytes = 1 << 20;
  now.pool.cached_bytes = 1 << 20;
  now.pool.direct_limit_bytes = 256 << 20;
  const std::string line = ReportLine(before, now);
  EXPECT_EQ(line.size(), ReportHeader().size()) << line;
  for (const char* part : {"6s", " 200 ", " 190 ", " 10 ", " 64.5 ", " 100 ",
                           "8.0 MiB", "1.2 MiB", "1.0 MiB", "256.0 MiB"}) {
    EXPECT_TRUE(Contains(line, part)) << part << " in " << line;
  }
  // The resident size could not be read: no figure is made up.
  EXPECT_EQ(line.back(), '-');
}

TEST(ReportTest, TheSummaryNamesEachReasonThatOccurred) {
  Summary summary;
  summary.end.messages.sent = 100;
  summary.end.messages.answered = 90;
  summary.end.messages.failed[static_cast<size_t>(Failure::kRequestRefused)] =
      7;
  summary.end.messages.failed[static_cast<size_t>(Failure::kCorrupt)] = 1;
  summary.unanswered = 2;
  summary.first_refusal = "no memory";
  summary.end.pool.thread_cache_by_kind[0] = {1000, 991, 9};
  summary.end.pool.remote_frees = 42;
  DemoOptions options;
  options.scenario = *FindScenario("steady");
  summary.end.pool.chunk_size_bytes = 4 << 20;
  const std::string text = SummaryText(options, summary);
  for (const char* part :
       {"100 sent", "90 answered", "8 failed (7 request refused, 1 corrupt)",
        "2 in flight", "99.10 %", "42 remote frees", "no memory"}) {
    EXPECT_TRUE(Contains(text, part)) << part << " in " << text;
  }
  EXPECT_FALSE(Contains(text, "upstream lost")) << text;
}

}  // namespace
}  // namespace poolscope::demo
