#include "poolscope/bench/options.h"

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace poolscope::bench {
namespace {

absl::StatusOr<Options> Parse(std::vector<std::string> words) {
  words.insert(words.begin(), "bench");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  return ParseOptions(static_cast<int>(words.size()), argv.data());
}

std::string ErrorOf(const std::vector<std::string>& words) {
  const absl::StatusOr<Options> options = Parse(words);
  return options.ok() ? "" : std::string(options.status().message());
}

TEST(OptionsTest, NothingMeansEveryCell) {
  const absl::StatusOr<Options> options = Parse({});
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(options->filter, "");
  EXPECT_EQ(options->rounds, 31);
  EXPECT_FALSE(options->quick);
}

TEST(OptionsTest, FilterIsAnArgumentOrAFlag) {
  EXPECT_EQ(Parse({"hot"})->filter, "hot");
  EXPECT_EQ(Parse({"--filter=hot"})->filter, "hot");
  EXPECT_EQ(Parse({"hot", "--csv=x", "--quick"})->filter, "hot");
  EXPECT_THAT(ErrorOf({"hot", "batch"}), testing::HasSubstr("batch"));
  EXPECT_THAT(ErrorOf({"--filter=hot", "batch"}), testing::HasSubstr("batch"));
}

TEST(OptionsTest, RoundsHaveBounds) {
  EXPECT_EQ(Parse({"--rounds=1"})->rounds, 1);
  EXPECT_EQ(Parse({"--rounds=10000"})->rounds, 10000);
  for (const char* bad : {"0", "10001", "-1", "", "x", "1.5"}) {
    EXPECT_THAT(ErrorOf({std::string("--rounds=") + bad}),
                testing::StartsWith(std::string("--rounds=") + bad));
  }
}

TEST(OptionsTest, PairsPolicyAndCellNeedOneAnother) {
  EXPECT_EQ(Parse({"--pairs=5", "--policy=glibc", "--cell=hot/16"})->pairs, 5u);
  EXPECT_NE(ErrorOf({"--pairs=5"}), "");
  EXPECT_NE(ErrorOf({"--policy=glibc", "--cell=hot/16"}), "");
  EXPECT_NE(ErrorOf({"--pairs=5", "--cell=hot/16"}), "");
  EXPECT_THAT(ErrorOf({"--pairs=0", "--policy=glibc", "--cell=hot/16"}),
              testing::StartsWith("--pairs=0"));
}

TEST(OptionsTest, ATrialNeedsAPolicyAndNoPairs) {
  EXPECT_EQ(Parse({"--trial=burst", "--policy=glibc"})->trial, "burst");
  EXPECT_NE(ErrorOf({"--trial=burst"}), "");
  EXPECT_NE(ErrorOf({"--trial=burst", "--policy=glibc", "--cell=hot/16"}), "");
  EXPECT_NE(ErrorOf({"--trial=burst", "--policy=glibc", "--cell=hot/16",
                     "--pairs=5"}),
            "");
}

TEST(OptionsTest, UnknownFlagIsNamed) {
  EXPECT_THAT(ErrorOf({"--bogus"}), testing::HasSubstr("--bogus"));
  EXPECT_THAT(ErrorOf({"--csv"}), testing::HasSubstr("--csv"));
  EXPECT_THAT(ErrorOf({"--quick=1"}), testing::HasSubstr("--quick=1"));
}

}  // namespace
}  // namespace poolscope::bench
