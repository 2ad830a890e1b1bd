#include "poolscope/metrics/native_memory/native_memory_text.h"

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "poolscope/metrics/native_memory/nmt_report.h"
#include "poolscope/metrics/text_emitter.h"
#include "poolscope/tests/metrics/native_memory/sample_native_memory.h"

namespace poolscope {
namespace {

// Every field of a summary.
std::string Report(const NativeMemoryStats& stats) {
  std::string text;
  TextEmitter emitter(&text);
  EmitNmtReport(MakeNmtReport(stats, nullptr, NmtView::kSummary), emitter);
  return text;
}

TEST(NativeMemoryTextTest, WhatIsReadBackIsReportedTheSame) {
  const NativeMemoryStats stats = SampleNativeMemory();
  const absl::StatusOr<NativeMemoryStats> read =
      ParseNativeMemoryText(NativeMemoryText(stats));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(Report(*read), Report(stats));
  EXPECT_EQ(read->resident_bytes, stats.resident_bytes);
  EXPECT_TRUE(read->mappings.empty());
  EXPECT_TRUE(read->call_sites.empty());
}

TEST(NativeMemoryTextTest, NamesMayHoldWhatSeparatesFields) {
  NativeMemoryStats stats;
  stats.details = {{"Pool Arenas", "a\tb\nc\\d\"", 5}};
  const absl::StatusOr<NativeMemoryStats> read =
      ParseNativeMemoryText(NativeMemoryText(stats));
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->details.size(), 1u);
  EXPECT_EQ(read->details[0].name, "a\tb\nc\\d\"");
  EXPECT_EQ(read->details[0].bytes, 5u);
}

TEST(NativeMemoryTextTest, NothingWalkedIsReadAsThat) {
  const absl::StatusOr<NativeMemoryStats> read =
      ParseNativeMemoryText(NativeMemoryText(NativeMemoryStats()));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->walk_id, 0u);
  EXPECT_TRUE(read->categories.empty());
}

TEST(NativeMemoryTextTest, ALineOfAnotherShapeIsNamed) {
  const std::string walk = "walk\t1\t2\t3\t4\t5\t6";
  ASSERT_TRUE(ParseNativeMemoryText(walk).ok());
  for (const std::string& text :
       {std::string(), std::string("walk"), absl::StrCat(walk, "\t7"),
        absl::StrCat(walk, "\n", walk), absl::StrCat(walk, "\n\n"),
        absl::StrCat(walk, "\ndetail\ta\tb"),
        absl::StrCat(walk, "\ndetail\ta\tb\t-1"),
        absl::StrCat(walk, "\ndetail\ta\t\\q\t1"),
        absl::StrCat(walk, "\nother\t1")}) {
    EXPECT_FALSE(ParseNativeMemoryText(text).ok()) << text;
  }
}

}  // namespace
}  // namespace poolscope
