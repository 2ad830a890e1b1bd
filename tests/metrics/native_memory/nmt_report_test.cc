#include "poolscope/metrics/native_memory/nmt_report.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "poolscope/metrics/json_emitter.h"
#include "poolscope/metrics/native_memory/nmt_view.h"
#include "poolscope/tests/metrics/golden.h"
#include "poolscope/tests/metrics/native_memory/sample_native_memory.h"

namespace poolscope {
namespace {

std::string Text(NmtView view, absl::string_view scale, bool peaks = false) {
  const NativeMemoryStats baseline = SampleNativeMemory();
  const bool diff = IsDiff(view);
  return NmtReportText(
      MakeNmtReport(diff ? LaterNativeMemory() : baseline, &baseline, view),
      {ParseNmtScale(scale).value(), peaks});
}

std::string Json(NmtView view) {
  const NativeMemoryStats baseline = SampleNativeMemory();
  const bool diff = IsDiff(view);
  std::string json;
  JsonEmitter emitter(&json);
  EmitNmtReport(
      MakeNmtReport(diff ? LaterNativeMemory() : baseline, &baseline, view),
      emitter);
  json.push_back('\n');
  return json;
}

TEST(NmtReportTest, SummaryAtEachScale) {
  for (const auto& [scale, golden] : {std::pair("B", "nmt_summary_b.txt"),
                                      std::pair("KB", "nmt_summary_kb.txt"),
                                      std::pair("MB", "nmt_summary_mb.txt"),
                                      std::pair("GB", "nmt_summary_gb.txt")}) {
    const std::string text = Text(NmtView::kSummary, scale);
    EXPECT_EQ(text, Golden(golden, text));
  }
}

TEST(NmtReportTest, DetailAddsMappingsAndCallSites) {
  const std::string text = Text(NmtView::kDetail, "KB");
  EXPECT_EQ(text, Golden("nmt_detail_kb.txt", text));
  EXPECT_TRUE(absl::StartsWith(text, Text(NmtView::kSummary, "KB")));
}

TEST(NmtReportTest, DifferencesFollowTheirValues) {
  const std::string text = Text(NmtView::kSummaryDiff, "KB");
  EXPECT_EQ(text, Golden("nmt_summary_diff_kb.txt", text));
}

TEST(NmtReportTest, DetailedDifferencesListWhatChanged) {
  const std::string text = Text(NmtView::kDetailDiff, "KB");
  EXPECT_EQ(text, Golden("nmt_detail_diff_kb.txt", text));
}

TEST(NmtReportTest, AMappingOfWhichMoreIsResidentHasChanged) {
  const NativeMemoryStats early = SampleNativeMemory();
  NativeMemoryStats now = early;
  now.mappings[1].resident_bytes += 4096;
  const NmtReport report = MakeNmtReport(now, &early, NmtView::kDetailDiff);
  ASSERT_EQ(report.mappings.size(), 1u);
  EXPECT_EQ(report.mappings[0].mapping.start, early.mappings[1].start);
  EXPECT_EQ(report.mappings[0].resident.now,
            report.mappings[0].resident.early + 4096);
}

TEST(NmtReportTest, PeaksAreLinesOfTheirOwn) {
  std::string without;
  int peaks = 0;
  for (absl::string_view line :
       absl::StrSplit(Text(NmtView::kSummary, "KB", /*peaks=*/true), '\n')) {
    if (absl::StrContains(line, "(peak committed=")) {
      ++peaks;
    } else {
      absl::StrAppend(&without, line, "\n");
    }
  }
  without.pop_back();
  EXPECT_EQ(peaks, 4);
  EXPECT_EQ(without, Text(NmtView::kSummary, "KB"));
  EXPECT_TRUE(absl::StrContains(
      Text(NmtView::kSummary, "KB", true),
      "\n                            (peak committed=9216KB)\n"));
}

TEST(NmtReportTest, ADifferenceFromItselfIsNone) {
  const NativeMemoryStats stats = SampleNativeMemory();
  const std::string diff = NmtReportText(
      MakeNmtReport(stats, &stats, NmtView::kSummaryDiff), NmtTextOptions{});
  EXPECT_EQ(diff, Text(NmtView::kSummary, "KB"));
}

TEST(NmtReportTest, ChangesAreRoundedThemselves) {
  NativeMemoryStats early;
  early.categories.resize(1);
  early.categories[0].name = "Code";
  NativeMemoryStats now = early;
  const auto diff = [&](uint64_t before, uint64_t after) {
    early.categories[0].mmap_reserved_bytes = before;
    now.categories[0].mmap_reserved_bytes = after;
    const std::string text = NmtReportText(
        MakeNmtReport(now, &early, NmtView::kSummaryDiff), NmtTextOptions{});
    const std::vector<std::string> parts =
        absl::StrSplit(text, absl::ByAnyChar("=,"));
    return parts[1];
  };
  EXPECT_EQ(diff(10240, 10240 + 511), "10KB");
  EXPECT_EQ(diff(10240, 10240 + 512), "11KB +1KB");
  EXPECT_EQ(diff(10240, 10240 + 513), "11KB +1KB");
  EXPECT_EQ(diff(10240 + 511, 10240), "10KB");
  EXPECT_EQ(diff(10240 + 512, 10240), "10KB -1KB");
  EXPECT_EQ(diff(10240 + 1536, 10240), "10KB -2KB");
}

TEST(NmtReportTest, HalfOfAUnitRoundsUp) {
  const NmtScale kilobytes = ParseNmtScale("KB").value();
  EXPECT_EQ(kilobytes.Round(0), 0u);
  EXPECT_EQ(kilobytes.Round(511), 0u);
  EXPECT_EQ(kilobytes.Round(512), 1u);
  EXPECT_EQ(kilobytes.Round(513), 1u);
  EXPECT_EQ(kilobytes.Round(1535), 1u);
  EXPECT_EQ(kilobytes.Round(1536), 2u);
  EXPECT_EQ(kilobytes.Round(UINT64_MAX), uint64_t{1} << 54);
  EXPECT_EQ(ParseNmtScale("B").value().Round(UINT64_MAX), UINT64_MAX);
}

TEST(NmtReportTest, ScalesAreTheJvms) {
  const struct {
    const char* text;
    uint64_t bytes;
    const char* unit;
  } kCases[] = {{"B", 1, ""},          {"1", 1, ""},
                {"b", 1, ""},          {"KB", 1024, "KB"},
                {"k", 1024, "KB"},     {"Kb", 1024, "KB"},
                {"M", 1 << 20, "MB"},  {"mb", 1 << 20, "MB"},
                {"GB", 1 << 30, "GB"}, {"g", 1 << 30, "GB"}};
  for (const auto& c : kCases) {
    const absl::StatusOr<NmtScale> scale = ParseNmtScale(c.text);
    ASSERT_TRUE(scale.ok()) << c.text;
    EXPECT_EQ(scale->bytes, c.bytes);
    EXPECT_EQ(scale->unit, c.unit);
  }
  for (const char* text : {"", "T", "TB", "0", "1024", "KB "}) {
    EXPECT_EQ(ParseNmtScale(text).status().message(),
              absl::StrCat("Incorrect scale value: ", text,
                           "; give B, KB, MB or GB"));
  }
}

TEST(NmtReportTest, ViewsHaveTheNamesOfTheJvms) {
  for (const char* name :
       {"summary", "detail", "summary.diff", "detail.diff"}) {
    EXPECT_EQ(NmtViewName(ParseNmtView(name).value()), name);
  }
  for (const char* name : {"", "Summary", "baseline", "diff"}) {
    EXPECT_FALSE(ParseNmtView(name).ok()) << name;
  }
}

TEST(NmtReportTest, NamesFromOutsideCannotImitateALine) {
  NativeMemoryStats stats = SampleNativeMemory();
  const std::string hostile =
      "\n-                     Evil (reserved=1KB, committed=1KB)";
  stats.details[0].name = hostile;
  stats.mappings[0].name = hostile;
  stats.mappings[0].detail = hostile;
  stats.call_sites[0].frames[0] = hostile;
  const std::string text = NmtReportText(
      MakeNmtReport(stats, nullptr, NmtView::kDetail), NmtTextOptions{});
  EXPECT_FALSE(absl::StrContains(text, "\n-                     Evil"));
  EXPECT_FALSE(absl::StrContains(text, "Evil (reserved="));
  EXPECT_TRUE(absl::StrContains(text, "Evil (reserved\\x3d1KB"));
}

TEST(NmtReportTest, JsonHasExactBytesOfEveryCategory) {
  const std::string json = Json(NmtView::kSummary);
  EXPECT_EQ(json, Golden("nmt_summary.json", json));
}

TEST(NmtReportTest, JsonOfDifferencesHasChanges) {
  const std::string json = Json(NmtView::kDetailDiff);
  EXPECT_EQ(json, Golden("nmt_detail_diff.json", json));
}

}  // namespace
}  // namespace poolscope
