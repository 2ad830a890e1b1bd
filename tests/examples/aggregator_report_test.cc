#include "poolscope/examples/demo/aggregator_report.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/examples/demo/message_counts.h"

namespace poolscope::demo {
namespace {

AggregatorSummary Summary(uint64_t huge, uint64_t chunk) {
  AggregatorSummary summary;
  summary.end_reason = "the duration is over";
  summary.load_end.elapsed = absl::Seconds(60);
  summary.end.refused_huge = huge;
  summary.end.refused_chunk = chunk;
  return summary;
}

TEST(AggregatorReportTest, TheSplitStandsBesideTheReportedOne) {
  const std::string text = AggregatorSummaryText(Summary(150, 50));
  EXPECT_TRUE(absl::StrContains(
      text,
      "200: 150 at a huge block, 50 at a new chunk = 75 / 25 %; reported from "
      "production: 95 / 5\n"))
      << text;
}

TEST(AggregatorReportTest, WithoutRefusalsThereIsNoSplit) {
  const std::string text = AggregatorSummaryText(Summary(0, 0));
  EXPECT_TRUE(absl::StrContains(text, "refusals       none\n")) << text;
  EXPECT_FALSE(absl::StrContains(text, "95 / 5")) << text;
  EXPECT_FALSE(absl::StrContains(text, "first refusal")) << text;
}

TEST(AggregatorReportTest, NamesEveryFailureAndTheGovernor) {
  AggregatorSummary summary = Summary(2, 1);
  summary.end.messages.sent = 10;
  summary.end.messages.answered = 6;
  summary.end.messages.failed[static_cast<size_t>(Failure::kHugeRefused)] = 2;
  summary.end.messages.failed[static_cast<size_t>(Failure::kRequestRefused)] =
      1;
  summary.end.messages.failed[static_cast<size_t>(Failure::kGivenUp)] = 1;
  summary.first_refusal = "huge block: no room";
  std::string text = AggregatorSummaryText(summary);
  EXPECT_TRUE(absl::StrContains(
      text,
      "10 sent, 6 answered, 4 failed (1 request refused, 2 huge block refused, "
      "1 given up), 0 in flight"))
      << text;
  EXPECT_TRUE(absl::StrContains(text, "first refusal  huge block: no room\n"));
  EXPECT_TRUE(absl::StrContains(text, "governor       off\n")) << text;
  summary.end.governor.emplace();
  summary.end.governor->pauses = 7;
  summary.end.given_up = 1;
  text = AggregatorSummaryText(summary);
  EXPECT_TRUE(
      absl::StrContains(text, "7 pauses, 0 resumes, 1 messages given up\n"))
      << text;
}

TEST(AggregatorReportTest, ALineCountsChunksOverArenasInOrderOfTheLists) {
  AggregatorSample before;
  AggregatorSample now;
  now.elapsed = absl::Seconds(1);
  now.messages.sent = 800;
  now.pool.arenas.resize(2);
  for (size_t list = 0; list < kChunkListCount; ++list) {
    now.pool.arenas[0].lists[list].chunks = list;
    now.pool.arenas[1].lists[list].chunks = 10;
  }
  now.refused_huge = 3;
  now.refused_chunk = 4;
  const std::string line = AggregatorLine(before, now);
  EXPECT_TRUE(absl::StrContains(line, " 10/11/12/13/14/15 ")) << line;
  EXPECT_TRUE(absl::StrContains(line, "     800 ")) << line;
  EXPECT_TRUE(absl::StrContains(line, "        7 ")) << line;
  // No governor, no resident set: dashes.
  EXPECT_TRUE(absl::EndsWith(line, "-         -")) << line;
}

TEST(AggregatorReportTest, ARestIsTold) {
  AggregatorSummary summary = Summary(0, 0);
  summary.holders_after_rest = "0 chunks\n";
  EXPECT_FALSE(absl::StrContains(AggregatorSummaryText(summary), "of rest"));
  summary.rest = absl::Seconds(18);
  const std::string text = AggregatorSummaryText(summary);
  EXPECT_TRUE(absl::StrContains(text, "chunks, after 18s of rest\n")) << text;
  EXPECT_TRUE(absl::EndsWith(text, "0 chunks\n")) << text;
}

TEST(AggregatorReportTest, HeaderAndLinesHaveTheSameColumns) {
  EXPECT_EQ(AggregatorHeader().size(),
            AggregatorLine(AggregatorSample(), AggregatorSample()).size());
}

}  // namespace
}  // namespace poolscope::demo
