#include "poolscope/allocator/leak/leak_level.h"

#include <cstdlib>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace poolscope {
namespace {

TEST(LeakLevelTest, NamesAreParsedBack) {
  for (LeakLevel level : kLeakLevels) {
    const auto parsed = ParseLeakLevel(LeakLevelName(level));
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(*parsed, level);
  }
}

TEST(LeakLevelTest, AnythingElseIsRefusedByName) {
  for (const char* bad : {"", "Simple", "simple ", "off", "2"}) {
    const auto parsed = ParseLeakLevel(bad);
    EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(parsed.status().message(),
              "leak detection level is \"" + std::string(bad) +
                  "\": give disabled, simple, advanced or paranoid");
  }
}

TEST(LeakLevelTest, TheEnvironmentSaysIt) {
  unsetenv(kLeakLevelVariable);
  EXPECT_EQ(LeakLevelFromEnvironment().value(), LeakLevel::kSimple);
  setenv(kLeakLevelVariable, "paranoid", 1);
  EXPECT_EQ(LeakLevelFromEnvironment().value(), LeakLevel::kParanoid);
  setenv(kLeakLevelVariable, "never", 1);
  EXPECT_TRUE(absl::StartsWith(LeakLevelFromEnvironment().status().message(),
                               "POOLSCOPE_LEAK_DETECTION: leak detection "
                               "level is \"never\""));
  unsetenv(kLeakLevelVariable);
}

}  // namespace
}  // namespace poolscope
