// The tools that read a JVM's report read this one: each at its own scale, and
// the very figures.
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "poolscope/metrics/native_memory/nmt_report.h"
#include "poolscope/tests/metrics/native_memory/jvm_report_parsers.h"
#include "poolscope/tests/metrics/native_memory/sample_native_memory.h"

namespace poolscope {
namespace {

// They ask for the summary; the detailed view begins with the same, and the
// rest of it must not disturb them either.
constexpr NmtView kViews[] = {NmtView::kSummary, NmtView::kDetail};

std::string Report(NmtView view, absl::string_view scale, bool peaks = false) {
  NativeMemoryStats stats = SampleNativeMemory();
  // What hurts a tool that looks for a '-' or a '=' anywhere.
  stats.details.push_back({"Pool Arenas", "Evil (reserved=1KB, x-", 1 << 20});
  stats.mappings[0].name = "/tmp/Evil reserved=1, committed=2 -";
  stats.mappings[1].detail = "Evil (reserved=1KB, committed=2KB)";
  return NmtReportText(MakeNmtReport(stats, nullptr, view),
                       {ParseNmtScale(scale).value(), peaks});
}

TEST(NmtParsersTest, ClientJavaReadsBytes) {
  ParsedReport expected;
  for (const NativeMemoryCategoryStats& each :
       SampleNativeMemory().categories) {
    if (each.reserved_bytes() == 0) continue;
    expected[each.name] = {each.reserved_bytes(), each.committed_bytes()};
    expected["Total"].reserved += each.reserved_bytes();
    expected["Total"].committed += each.committed_bytes();
  }
  ASSERT_EQ(expected.size(), 6u);
  for (NmtView view : kViews) {
    EXPECT_EQ(ParseLikeClientJava(Report(view, "B")), expected);
    EXPECT_EQ(ParseLikeClientJava(Report(view, "B", /*peaks=*/true)), expected);
  }
}

TEST(NmtParsersTest, NmtMetricsReadsKilobytes) {
  const ParsedReport expected = {
      {"total", {98306, 23754}},    {"pool.arenas", {65536, 16384}},
      {"glibc.heap", {8192, 7168}}, {"thread.stacks", {24576, 200}},
      {"openssl", {2, 2}},
  };
  for (NmtView view : kViews) {
    EXPECT_EQ(ParseLikeNmtMetrics(Report(view, "KB")), expected);
    EXPECT_EQ(ParseLikeNmtMetrics(Report(view, "KB", true)), expected);
  }
}

TEST(NmtParsersTest, SpringBootStarterReadsKilobytesLineByLine) {
  std::map<std::string, int> expected = {
      {"total.reserved", 98306},
      {"total.committed", 23754},
      {"pool-arenas.reserved", 65536},
      {"pool-arenas.committed", 16384},
      {"pool-arenas.mmap.reserved", 65536},
      {"pool-arenas.mmap.committed", 16384},
      {"glibc-heap.reserved", 8192},
      {"glibc-heap.committed", 7168},
      {"glibc-heap.malloc.allocated", 5120},
      {"glibc-heap.malloc.allocations", 0},
      {"glibc-heap.mmap.reserved", 3072},
      {"glibc-heap.mmap.committed", 2048},
      {"thread-stacks.reserved", 24576},
      {"thread-stacks.committed", 200},
      {"thread-stacks.threads.total", 3},
      {"thread-stacks.stack.reserved", 24576},
      {"thread-stacks.stack.committed", 200},
      {"openssl.reserved", 2},
      {"openssl.committed", 2},
      {"openssl.malloc.allocated", 2},
      {"openssl.malloc.allocations", 12},
  };
  EXPECT_EQ(ParseLikeSpringBootStarter(Report(NmtView::kSummary, "KB")),
            expected);
  EXPECT_EQ(ParseLikeSpringBootStarter(Report(NmtView::kSummary, "KB", true)),
            expected);
}

// What they would do to names and lines that the report does not have.
TEST(NmtParsersTest, TheParsersFailWhereTheToolsDo) {
  EXPECT_EQ(ParseLikeClientJava("-   Arena 0 (reserved=1, committed=1)\n")
                .count("Arena"),
            1u);
  EXPECT_TRUE(
      ParseLikeClientJava("-   lower (reserved=1, committed=1)\n").empty());
  EXPECT_TRUE(
      ParseLikeNmtMetrics("-   Code (reserved=1KB, committed=1KB, peak=2KB)\n")
          .empty());
  EXPECT_ANY_THROW(ParseLikeSpringBootStarter(
      "-   Code (reserved=1KB, committed=1KB)\n"
      "    (mmap: reserved=1KB, committed=1KB, peak=2KB)\n"));
  EXPECT_ANY_THROW(ParseLikeSpringBootStarter(
      "-   Code (reserved=3000000000KB, committed=1KB)\n"));
}

}  // namespace
}  // namespace poolscope
