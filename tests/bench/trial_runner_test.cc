#include "poolscope/bench/trial_runner.h"

#include <atomic>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "poolscope/bench/runner.h"
#include "poolscope/bench/trial.h"

namespace poolscope::bench {
namespace {

std::vector<std::string> Shell(const std::string& script) {
  return {"/bin/sh", "-c", script};
}

class TrialRunnerTest : public testing::Test {
 protected:
  std::atomic<bool> stop_{false};
};

TEST_F(TrialRunnerTest, OutputIsReadToItsEnd) {
  const absl::StatusOr<std::string> output =
      OutputOf(Shell("seq 1 20000"), stop_);
  ASSERT_TRUE(output.ok()) << output.status();
  EXPECT_THAT(*output, testing::StartsWith("1\n2\n"));
  EXPECT_THAT(*output, testing::EndsWith("\n20000\n"));
}

TEST_F(TrialRunnerTest, FailureIsNamedWithTheCommand) {
  EXPECT_THAT(std::string(OutputOf(Shell("exit 3"), stop_).status().message()),
              testing::HasSubstr("exit 3: exit status 3"));
  EXPECT_THAT(
      std::string(OutputOf(Shell("kill -9 $$"), stop_).status().message()),
      testing::EndsWith("ended by signal 9"));
  EXPECT_THAT(
      std::string(OutputOf({"/no/such/program"}, stop_).status().message()),
      testing::AllOf(testing::HasSubstr("/no/such/program"),
                     testing::EndsWith("exit status 127")));
}

TEST_F(TrialRunnerTest, StopEndsAProcessThatWouldNotEnd) {
  stop_.store(true);
  EXPECT_EQ(OutputOf({"/bin/sleep", "1000"}, stop_).status().code(),
            absl::StatusCode::kInternal);
}

TEST(ParseFiguresTest, ALineIsACellAndANumber) {
  const auto figures = ParseFigures("memory/a_kib 12.5\nmemory/b_mb -3\n");
  ASSERT_TRUE(figures.ok()) << figures.status();
  EXPECT_THAT(*figures,
              testing::ElementsAre(testing::Pair("memory/a_kib", 12.5),
                                   testing::Pair("memory/b_mb", -3)));
}

TEST(ParseFiguresTest, AnythingElseIsNamed) {
  for (const char* line : {"warning: x", "cell", "cell 1 2", "cell one"}) {
    EXPECT_THAT(
        std::string(ParseFigures(std::string(line) + "\n").status().message()),
        testing::EndsWith(line));
  }
}

Trial TwoCells(int runs) {
  Trial trial;
  trial.group = "group";
  trial.name = "trial";
  trial.cells = {{"first", std::nullopt}, {"second", std::nullopt}};
  trial.runs = runs;
  return trial;
}

TEST_F(TrialRunnerTest, SamplesOfAllRunsAreSummedUpByCellAndPolicy) {
  TrialRunner runner({}, &stop_);
  const std::vector<Measurement> measured = runner.Measure(
      TwoCells(3),
      {{"one", Shell("printf 'second 7\\nfirst 1\\nfirst 5\\nfirst 2\\n'")},
       {"two", Shell("echo first 9; echo unwanted 1")}});
  ASSERT_EQ(measured.size(), 3u);
  EXPECT_EQ(measured[0].cell, "first");
  EXPECT_EQ(measured[0].policy, "one");
  EXPECT_EQ(measured[0].group, "group");
  EXPECT_EQ(measured[0].median_ns, 2);
  EXPECT_EQ(measured[0].min_ns, 1);
  EXPECT_EQ(measured[0].p90_ns, 5);
  EXPECT_EQ(measured[1].policy, "two");
  EXPECT_EQ(measured[1].median_ns, 9);
  EXPECT_EQ(measured[2].cell, "second");
  EXPECT_EQ(measured[2].median_ns, 7);
  EXPECT_FALSE(runner.failed());
}

// Counts the processes in a file.
TEST_F(TrialRunnerTest, EachRunIsAProcessAndQuickIsOne) {
  const std::string file = testing::TempDir() + "/processes";
  const Contestant contestant = {
      "one",
      Shell("echo x >> " + file + "; echo first $(wc -l < " + file + ")")};
  TrialRunner(TrialOptions{/*quick=*/true}, &stop_)
      .Measure(TwoCells(4), {contestant});
  EXPECT_EQ(*OutputOf(Shell("wc -l < " + file), stop_), "1\n");
  TrialRunner(TrialOptions{}, &stop_).Measure(TwoCells(4), {contestant});
  EXPECT_EQ(*OutputOf(Shell("wc -l < " + file), stop_), "5\n");
}

TEST_F(TrialRunnerTest, AContestantThatFailsIsLeftOut) {
  TrialRunner runner({}, &stop_);
  const std::vector<Measurement> measured =
      runner.Measure(TwoCells(2), {{"bad", Shell("echo first 1; exit 1")},
                                   {"good", Shell("echo first 2")}});
  ASSERT_EQ(measured.size(), 1u);
  EXPECT_EQ(measured[0].policy, "good");
  EXPECT_TRUE(runner.failed());
}

}  // namespace
}  // namespace poolscope::bench
