#include "poolscope/bench/command_line.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace poolscope {
namespace {

class CommandLineTest : public testing::Test {
 protected:
  CommandLineTest() {
    line_.AddSwitch("help", &help_);
    line_.AddSwitch("quick", &quick_);
    line_.AddText("csv", &csv_);
    line_.AddNumber("rounds", 2, 9, &rounds_);
    line_.Add("layout", "runs or buddy", [this](absl::string_view value) {
      layout_ = std::string(value);
      return value == "runs" || value == "buddy";
    });
  }

  // What is wrong, or "".
  std::string Parse(std::vector<std::string> words) {
    words.insert(words.begin(), "command");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const absl::Status status = line_.Parse(words.size(), argv.data());
    if (!status.ok()) {
      EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    }
    return std::string(status.message());
  }

  CommandLine line_;
  bool help_ = false;
  bool quick_ = false;
  std::string csv_ = "none";
  int rounds_ = 5;
  std::string layout_;
};

TEST_F(CommandLineTest, WithoutFlagsNothingIsWritten) {
  EXPECT_EQ(Parse({}), "");
  EXPECT_FALSE(help_);
  EXPECT_FALSE(quick_);
  EXPECT_EQ(csv_, "none");
  EXPECT_EQ(rounds_, 5);
  EXPECT_EQ(layout_, "");
}

TEST_F(CommandLineTest, ValuesFollowAnEqualsSignOrStandAlone) {
  EXPECT_EQ(Parse({"--csv=a", "--rounds", "3", "--quick", "--layout=runs"}),
            "");
  EXPECT_FALSE(help_);
  EXPECT_TRUE(quick_);
  EXPECT_EQ(csv_, "a");
  EXPECT_EQ(rounds_, 3);
  EXPECT_EQ(layout_, "runs");
}

TEST_F(CommandLineTest, LastOfTwoCounts) {
  EXPECT_EQ(Parse({"--csv=a", "--csv="}), "");
  EXPECT_EQ(csv_, "");
}

TEST_F(CommandLineTest, HIsHelp) {
  EXPECT_EQ(Parse({"-h"}), "");
  EXPECT_TRUE(help_);
}

TEST_F(CommandLineTest, NumbersHaveBounds) {
  EXPECT_EQ(Parse({"--rounds=2"}), "");
  EXPECT_EQ(rounds_, 2);
  EXPECT_EQ(Parse({"--rounds=9"}), "");
  EXPECT_EQ(rounds_, 9);
  for (const std::string bad : {"1", "10", "-3", "", "x", "3x", "2.5"}) {
    EXPECT_EQ(Parse({"--rounds=" + bad}), "--rounds=" + bad + ": give 2 to 9");
  }
  EXPECT_EQ(rounds_, 9) << "a refused number is not taken";
}

TEST_F(CommandLineTest, RefusedValueIsNamedWithWhatToGive) {
  EXPECT_EQ(Parse({"--layout=tree"}), "--layout=tree: give runs or buddy");
  EXPECT_EQ(Parse({"--layout", "tree"}), "--layout=tree: give runs or buddy");
}

TEST_F(CommandLineTest, WhatIsNoFlagIsNamed) {
  for (const std::string bad :
       {"--bogus", "--bogus=1", "-xy", "-x", "--csv", "--quick=1"}) {
    EXPECT_EQ(Parse({bad}),
              bad + " is no flag, or lacks or has a value; see --help");
  }
}

TEST_F(CommandLineTest, ArgumentsThatAreNoFlagsAreUnexpected) {
  EXPECT_EQ(Parse({"a", "--quick"}), "unexpected argument a; see --help");
}

TEST_F(CommandLineTest, OneArgumentMayBeExpected) {
  std::string argument;
  line_.AddArgument(&argument);
  EXPECT_EQ(Parse({"--quick"}), "");
  EXPECT_EQ(argument, "");
  EXPECT_EQ(Parse({"a", "--rounds=3"}), "");
  EXPECT_EQ(argument, "a");
  EXPECT_EQ(rounds_, 3);
  EXPECT_EQ(Parse({"a", "--quick", "b"}), "unexpected argument b; see --help");
  EXPECT_EQ(Parse({"--", "--quick"}), "");
  EXPECT_EQ(argument, "--quick") << "after -- nothing is a flag";
}

}  // namespace
}  // namespace poolscope
