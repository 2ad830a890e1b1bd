// The soak as a command: its flags, its end by itself and by Ctrl-C.
#include <signal.h>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "poolscope/tests/examples/subprocess.h"
#include "poolscope/tests/soak/options.h"

namespace poolscope::soak {
namespace {

constexpr char kSoak[] = "tests/soak/soak";

absl::StatusOr<Options> Parse(std::initializer_list<const char*> words) {
  std::vector<char*> argv = {const_cast<char*>("soak")};
  for (const char* word : words) argv.push_back(const_cast<char*>(word));
  argv.push_back(nullptr);
  return ParseOptions(argv.size() - 1, argv.data());
}

TEST(OptionsTest, DefaultsAreAMinuteOfBothLayouts) {
  const absl::StatusOr<Options> options = Parse({});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->duration, absl::Minutes(1));
  EXPECT_EQ(options->threads, 64);
  EXPECT_THAT(options->layouts,
              testing::ElementsAre(ChunkLayout::kRuns, ChunkLayout::kBuddy));
}

TEST(OptionsTest, AreWhatTheFlagsSay) {
  const absl::StatusOr<Options> options =
      Parse({"--duration=1m30s", "--threads=3", "--layout=buddy", "--seed=7",
             "--leak=64"});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->duration, absl::Seconds(90));
  EXPECT_EQ(options->threads, 3);
  EXPECT_EQ(options->seed, 7);
  EXPECT_EQ(options->leak_kib_per_second, 64);
  EXPECT_THAT(options->layouts, testing::ElementsAre(ChunkLayout::kBuddy));
}

TEST(OptionsTest, BadOnesAreNamedInOneLine) {
  for (const char* bad : {"--duration=5", "--duration=99ms", "--duration=inf",
                          "--threads=0", "--threads=1025", "--seed=x",
                          "--leak=-1", "--layout=tree", "--minutes=1", "5s"}) {
    const absl::Status status = Parse({bad}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << bad;
    EXPECT_THAT(std::string(status.message()), testing::HasSubstr(bad));
    EXPECT_THAT(std::string(status.message()),
                testing::Not(testing::HasSubstr("\n")));
  }
}

TEST(CommandTest, EndsByItselfAndSaysThatAllHeld) {
  Subprocess soak({kSoak, "--duration=200ms", "--threads=8"});
  EXPECT_EQ(soak.Wait(), 0);
  EXPECT_THAT(soak.output(), testing::StartsWith("8 threads for 200ms"));
  EXPECT_THAT(soak.output(), testing::EndsWith("all held\n"));
  EXPECT_EQ(soak.errors(), "");
}

TEST(CommandTest, AnInterruptEndsItEarlyWithTheSameChecks) {
  Subprocess soak({kSoak, "--duration=1h", "--threads=8"});
  ASSERT_TRUE(soak.ReadLine().has_value());
  soak.Signal(SIGINT);
  EXPECT_EQ(soak.Wait(), 0);
  EXPECT_THAT(soak.output(), testing::StartsWith("interrupted"));
  EXPECT_THAT(soak.output(), testing::EndsWith("all held\n"));
}

TEST(CommandTest, ABadFlagIsOneLineAndStatusTwo) {
  Subprocess soak({kSoak, "--threads=0"});
  EXPECT_EQ(soak.Wait(), 2);
  EXPECT_EQ(soak.errors(), "soak: --threads=0: give 1 to 1024\n");
}

TEST(CommandTest, HelpNamesEveryFlag) {
  Subprocess soak({kSoak, "--help"});
  EXPECT_EQ(soak.Wait(), 0);
  for (const char* flag :
       {"--duration", "--threads", "--layout", "--seed", "--leak"}) {
    EXPECT_THAT(soak.output(), testing::HasSubstr(flag));
  }
}

}  // namespace
}  // namespace poolscope::soak
