// What the scenario websocket prints, and the sums behind it.
#include "poolscope/examples/demo/websocket_report.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "poolscope/examples/demo/options.h"
#include "poolscope/metrics/native_memory/native_memory_stats.h"
#include "poolscope/metrics/process/memory_owner.h"

namespace poolscope::demo {
namespace {

using ::testing::ElementsAre;

constexpr uint64_t kMiB = 1 << 20;

WebSocketSample SampleOf(uint64_t thread_arenas, uint64_t unknown) {
  WebSocketSample sample;
  for (const auto& [owner, bytes] :
       {std::pair(MemoryOwner::kGlibcThreadArenas, thread_arenas),
        std::pair(MemoryOwner::kThreadStacks, 2 * kMiB),
        std::pair(MemoryOwner::kUnknown, unknown)}) {
    NativeMemoryCategoryStats& category = sample.walk.categories.emplace_back();
    category.name = std::string(MemoryOwnerName(owner));
    category.resident_bytes = bytes;
    sample.walk.resident_bytes += bytes;
  }
  sample.malloc.emplace();
  sample.malloc->arenas.resize(17);
  return sample;
}

// The last of a line's columns.
std::vector<std::string> LastColumns(const std::string& line) {
  const std::vector<std::string> words =
      absl::StrSplit(line, ' ', absl::SkipEmpty());
  return std::vector<std::string>(words.end() - 6, words.end());
}

TEST(WebSocketReportTest, ALineHasTheGrowthOfWhatIsUnknown) {
  const WebSocketSample before = SampleOf(10 * kMiB, 6 * kMiB);
  EXPECT_THAT(LastColumns(WebSocketReportLine(before, SampleOf(0, 9 * kMiB))),
              ElementsAre("2.0", "MiB", "11.0", "MiB", "3.0", "MiB"));
  // What shrank is negative.
  EXPECT_THAT(LastColumns(WebSocketReportLine(before, SampleOf(kMiB, kMiB))),
              ElementsAre("2.0", "MiB", "4.0", "MiB", "-5.0", "MiB"));
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
        "12.0 MiB before, 112.0 MiB at most with 1000 connections, 92.0 MiB "
        "when all are closed",
        "grew by        100.0 MiB, of which",
        "Glibc Thread Arenas        96.0 MiB   96.00 %",
        "Thread Stacks                   0 B    0.00 %",
        "Unknown                     4.0 MiB    4.00 %", "in 17 arenas"}) {
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
