#include "poolscope/metrics/process/process_start.h"

#include <sys/stat.h>
#include <unistd.h>

#include <ctime>
#include <fstream>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace poolscope {
namespace {

// The fields of self/stat between the name and starttime.
constexpr char kBefore[] = " S 1 2 3 0 -1 4 5 0 0 0 6 7 0 0 20 0 9 0 ";

std::string FakeRoot(const std::string& name, const std::string& stat,
                     const std::string& self_stat) {
  const std::string root = testing::TempDir() + "/" + name;
  mkdir(root.c_str(), 0755);
  mkdir((root + "/self").c_str(), 0755);
  std::ofstream(root + "/stat") << stat;
  std::ofstream(root + "/self/stat") << self_stat;
  return root;
}

TEST(ProcessStartTest, AddsTheStartToTheBoot) {
  const long ticks = 150 * sysconf(_SC_CLK_TCK) / 100;
  const absl::StatusOr<double> start = ReadProcessStartSeconds(
      FakeRoot("sum", "cpu 1 2\nintr 5 6\nbtime 1700000000\nprocesses 3\n",
               absl::StrCat("7 (demo)", kBefore, ticks, " 8 9\n")));
  ASSERT_TRUE(start.ok()) << start.status();
  EXPECT_DOUBLE_EQ(*start, 1700000001.5);
}

TEST(ProcessStartTest, ANameMayHoldBlanksAndBrackets) {
  const absl::StatusOr<double> start = ReadProcessStartSeconds(
      FakeRoot("name", "btime 100\n",
               absl::StrCat("7 (a) S 1 (b)", kBefore, "0 8 9\n")));
  ASSERT_TRUE(start.ok()) << start.status();
  EXPECT_DOUBLE_EQ(*start, 100);
}

TEST(ProcessStartTest, ThisProcessStartedAMomentAgo) {
  const absl::StatusOr<double> start = ReadProcessStartSeconds("/proc");
  ASSERT_TRUE(start.ok()) << start.status();
  const double now = static_cast<double>(std::time(nullptr));
  // btime has whole seconds, and follows steps of the clock.
  EXPECT_LE(*start, now + 2);
  EXPECT_GE(*start, now - 3600);
}

TEST(ProcessStartTest, NamesTheFileThatIsMissing) {
  const absl::StatusOr<double> start = ReadProcessStartSeconds("/nonexistent");
  EXPECT_EQ(start.status().code(), absl::StatusCode::kNotFound);
  EXPECT_NE(start.status().message().find("/nonexistent/stat"),
            absl::string_view::npos);
}

TEST(ProcessStartTest, RefusesWhatHoldsNoTime) {
  EXPECT_EQ(ReadProcessStartSeconds(
                FakeRoot("boot", "btime x\n",
                         absl::StrCat("7 (demo)", kBefore, "5 8\n")))
                .status()
                .code(),
            absl::StatusCode::kDataLoss);
  int i = 0;
  for (const std::string& text :
       {std::string("\n"), std::string("7 demo\n"), std::string("7 (demo)\n"),
        absl::StrCat("7 (demo)", kBefore, "\n"),
        absl::StrCat("7 (demo)", kBefore, "-5 8\n")}) {
    EXPECT_EQ(ReadProcessStartSeconds(
                  FakeRoot(absl::StrCat("bad", i++), "btime 100\n", text))
                  .status()
                  .code(),
              absl::StatusCode::kDataLoss)
        << text;
  }
}

}  // namespace
}  // namespace poolscope
