// What the scenario websocket prints, and the sums behind it.
#include "poolscope/examples/demo/websocket_report.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "poolscope/examples/demo/options.h"
#include "poolscope/examples/demo/resident_owners.h"

namespace poolscope::demo {
namespace {

constexpr uint64_t kMiB = 1 << 20;

WebSocketSample SampleOf(uint64_t thread_arenas, uint64_t other) {
  WebSocketSample sample;
  sample.resident.bytes[static_cast<size_t>(MemoryOwner::kThreadArenas)] =
      thread_arenas;
  sample.resident.bytes[static_cast<size_t>(MemoryOwner::kOther)] = other;
  sample.malloc.emplace();
  sample.malloc->arenas.resize(17);
  return sample;
}

TEST(WebSocketReportTest, TheGrowthThatIsCountedIsTakenOffTheRest) {
  const WebSocketSample before = SampleOf(kMiB, kMiB);
  WebSocketSample now = SampleOf(10 * kMiB, 6 * kMiB);
  const auto growth = [&] { return GrowthSince(before, now); };
  EXPECT_EQ(growth().total, int64_t{14 * kMiB});
  EXPECT_EQ(growth().by_owner[static_cast<size_t>(MemoryOwner::kThreadArenas)],
            int64_t{9 * kMiB});
  EXPECT_EQ(growth().unattributed, int64_t{5 * kMiB});
  now.malloc->mmapped_bytes = 2 * kMiB;
  now.pool_metadata_bytes = kMiB;
  EXPECT_EQ(growth().large_blocks, int64_t{2 * kMiB});
  EXPECT_EQ(growth().pool_tables, int64_t{kMiB});
  EXPECT_EQ(growth().unattributed, int64_t{2 * kMiB});
  // More may be mapped than is resident.
  now.malloc->mmapped_bytes = 100 * kMiB;
  EXPECT_EQ(growth().large_blocks, int64_t{5 * kMiB});
  EXPECT_EQ(growth().pool_tables, 0);
  EXPECT_EQ(growth().unattributed, 0);
  now.malloc.reset();
  EXPECT_EQ(growth().unattributed, int64_t{4 * kMiB});
}

TEST(WebSocketReportTest, WhatShrankIsNegative) {
  const WebSocketSample before = SampleOf(10 * kMiB, 6 * kMiB);
  WebSocketSample now = SampleOf(kMiB, kMiB);
  now.malloc->mmapped_bytes = 2 * kMiB;
  const ResidentGrowth growth = GrowthSince(before, now);
  EXPECT_EQ(growth.total, -int64_t{14 * kMiB});
  EXPECT_EQ(growth.large_blocks, 0);
  EXPECT_EQ(growth.unattributed, -int64_t{5 * kMiB});
}

TEST(WebSocketReportTest, ALineFillsTheColumnsOfItsHeader) {
  const WebSocketSample before = SampleOf(kMiB, 0);
  WebSocketSample now = SampleOf(10 * kMiB, 0);
  EXPECT_EQ(WebSocketReportLine(before, now).size(),
            WebSocketReportHeader().size());
  now.malloc.reset();
  EXPECT_EQ(WebSocketReportLine(before, now).size(),
            WebSocketReportHeader().size());
  EXPECT_TRUE(absl::StrContains(WebSocketReportLine(before, now), " - "));
}

TEST(WebSocketReportTest, TheSummaryDividesTheGrowthAmongItsOwners) {
  WebSocketSummary summary;
  summary.before = SampleOf(10 * kMiB, 0);
  summary.peak = SampleOf(106 * kMiB, 4 * kMiB);
  summary.peak.connections = 1000;
  summary.end = SampleOf(90 * kMiB, 0);
  summary.end.load.opened = 1000;
  summary.end.load.closed = 1000;
  summary.opened_after = absl::Seconds(5);
  DemoOptions options;
  const std::string text = WebSocketSummaryText(options, summary);
  for (const absl::string_view expected :
       {"1000 opened in 5.0 s (200.0 a second), 0 lost, 1000 closed in order",
        "10.0 MiB before, 110.0 MiB at most with 1000 connections, 90.0 MiB "
        "when all are closed",
        "grew by        100.0 MiB, of which",
        "glibc's thread arenas      96.0 MiB   96.00 %",
        "unattributed                4.0 MiB    4.00 %", "in 17 arenas"}) {
    EXPECT_TRUE(absl::StrContains(text, expected)) << expected << text;
  }
}

TEST(WebSocketReportTest, TheExpectationIsTheArithmeticOfTheState) {
  DemoOptions options;
  options.connections = 10000;
  options.workers = 16;
  const std::string with = WebSocketExpectationText(options, WebSocketLimits());
  EXPECT_TRUE(absl::StrContains(with, "10000 x 262.0 KiB = 2.5 GiB")) << with;
  options.connect_message_bytes = 0;
  EXPECT_TRUE(absl::StrContains(
      WebSocketExpectationText(options, WebSocketLimits()), "no message"));
}

}  // namespace
}  // namespace poolscope::demo
