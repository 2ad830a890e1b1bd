#include "poolscope/allocator/leak/leak_report.h"

#include <string>

#include "gtest/gtest.h"

namespace poolscope {
namespace {

// An address that no symbol table knows, so that the text is always the same.
void* Frame(int n) { return reinterpret_cast<void*>(0x10L * n); }

LeakReport Found() {
  LeakReport report;
  report.allocator = "rpc";
  report.cause = LeakCause::kAllocatorClosed;
  report.count = 1;
  report.live = 1;
  report.requested_bytes = 100;
  report.id = 42;
  report.address = 0xabc000;
  report.first_requested_bytes = 100;
  report.first_age_seconds = 1.5;
  report.creation.stack = {Frame(1), Frame(2)};
  return report;
}

TEST(LeakReportTest, WithoutAccessesTheCreationIsShown) {
  EXPECT_EQ(
      LeakText(Found()),
      "LEAK: allocator rpc: 1 block (100 bytes asked for, 1 live) leaked: "
      "alive when its allocator was closed. The first: id 42, 100 bytes "
      "at 0xabc000, 1.500 s old.\n"
      "Recent access records: none\n"
      "Created at:\n"
      "\t(unknown) (0x10)\n"
      "\t(unknown) (0x20)\n");
}

TEST(LeakReportTest, AccessesAreNumberedFromTheNewest) {
  LeakReport report = Found();
  report.count = 3;
  report.requested_bytes = 300;
  report.live = 2;
  report.cause = LeakCause::kTooOld;
  report.creation.hint = "GET /orders";
  report.accesses = {{"encode", {Frame(3)}}, {"", {Frame(4)}}};
  EXPECT_EQ(LeakText(report),
            "LEAK: allocator rpc: 3 blocks (300 bytes asked for, 2 live) "
            "suspect: older than blocks of its call site get. The first: id "
            "42, 100 bytes at 0xabc000, 1.500 s old.\n"
            "Recent access records:\n"
            "#1:\n"
            "\tHint: encode\n"
            "\t(unknown) (0x30)\n"
            "#2:\n"
            "\t(unknown) (0x40)\n"
            "Created at:\n"
            "\tHint: GET /orders\n"
            "\t(unknown) (0x10)\n"
            "\t(unknown) (0x20)\n");
}

// A hint may hold what a peer sent.
TEST(LeakReportTest, AHintStaysOnItsLine) {
  LeakReport report = Found();
  report.creation.hint = "GET /\nLEAK: all of it\x1b[2J";
  EXPECT_NE(LeakText(report).find("\tHint: GET /\\nLEAK: all of it\\x1b[2J\n"),
            std::string::npos)
      << LeakText(report);
}

TEST(LeakReportTest, DuplicatesAndDroppedOnesAreCounted) {
  LeakReport report = Found();
  report.accesses = {{"a", {Frame(3)}},
                     {"a", {Frame(3)}},
                     {"b", {Frame(3)}},
                     {"a", {Frame(4)}},
                     {"b", {Frame(3)}}};
  report.dropped_accesses = 7;
  EXPECT_EQ(DescribeLeak(report).accesses.size(), 3u);
  const std::string text = LeakText(report);
  EXPECT_NE(text.find("#3:\n\tHint: a\n\t(unknown) (0x40)\nCreated"),
            std::string::npos)
      << text;
  EXPECT_EQ(text.find("#4:"), std::string::npos);
  EXPECT_NE(text.find(": 2 access records left out: the same as one above\n"
                      ": 7 access records dropped: few of many are kept\n"),
            std::string::npos)
      << text;
}

TEST(LeakReportTest, ADroppedStackIsSaidToBe) {
  LeakReport report = Found();
  report.creation.stack.clear();
  EXPECT_NE(LeakText(report).find("Created at:\n\t(no stack)\n"),
            std::string::npos);
}

TEST(LeakReportTest, OnlyAgeMakesASuspect) {
  for (int i = 0; i < kLeakCauseCount; ++i) {
    const LeakCause cause = static_cast<LeakCause>(i);
    EXPECT_EQ(VerdictOf(cause), cause == LeakCause::kTooOld
                                    ? LeakVerdict::kSuspect
                                    : LeakVerdict::kLeaked);
    EXPECT_STRNE(LeakCauseText(cause), "unknown");
  }
  EXPECT_STREQ(LeakVerdictName(LeakVerdict::kLeaked), "leaked");
  EXPECT_STREQ(LeakVerdictName(LeakVerdict::kSuspect), "suspect");
}

}  // namespace
}  // namespace poolscope
