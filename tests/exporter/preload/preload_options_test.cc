#include "poolscope/exporter/preload/preload_options.h"

#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"

namespace poolscope {
namespace {

absl::StatusOr<std::optional<PreloadOptions>> Read(
    const std::map<std::string, std::string>& variables) {
  return ReadPreloadOptions(
      [&variables](const char* name) -> const char* {
        const auto found = variables.find(name);
        return found == variables.end() ? nullptr : found->second.c_str();
      },
      "nginx");
}

TEST(PreloadOptionsTest, NothingIsAskedWithoutAnAddress) {
  EXPECT_EQ(*Read({}), std::nullopt);
  EXPECT_EQ(*Read({{"POOLSCOPE_LISTEN", ""}, {"POOLSCOPE_FORK", "x"}}),
            std::nullopt);
}

TEST(PreloadOptionsTest, AnAddressIsEnough) {
  const auto options = Read({{"POOLSCOPE_LISTEN", "127.0.0.1:9464"}});
  ASSERT_TRUE(options.ok() && options->has_value());
  EXPECT_EQ((*options)->address.ToString(), "127.0.0.1:9464");
  EXPECT_EQ((*options)->fork, PreloadOptions::Fork::kTakeOver);
  EXPECT_EQ((*options)->port_file, "");
  EXPECT_FALSE((*options)->verbose);
}

TEST(PreloadOptionsTest, EverySettingIsRead) {
  const auto options = Read({{"POOLSCOPE_LISTEN", "localhost:0"},
                             {"POOLSCOPE_PROGRAM", "nginx"},
                             {"POOLSCOPE_FORK", "listen"},
                             {"POOLSCOPE_PORT_FILE", "/run/port"},
                             {"POOLSCOPE_VERBOSE", "1"}});
  ASSERT_TRUE(options.ok() && options->has_value());
  EXPECT_EQ((*options)->fork, PreloadOptions::Fork::kListen);
  EXPECT_EQ((*options)->port_file, "/run/port");
  EXPECT_TRUE((*options)->verbose);
}

TEST(PreloadOptionsTest, AnotherProgramIsLeftAlone) {
  EXPECT_EQ(*Read({{"POOLSCOPE_LISTEN", "localhost:0"},
                   {"POOLSCOPE_PROGRAM", "redis-server"}}),
            std::nullopt);
}

TEST(PreloadOptionsTest, BadValuesAreNamed) {
  EXPECT_EQ(Read({{"POOLSCOPE_LISTEN", "9464"}}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Read({{"POOLSCOPE_LISTEN", "10.0.0.1:1"}}).status().message(),
            "POOLSCOPE_LISTEN=10.0.0.1:1: the address is not loopback, and "
            "there is no password: use 127.0.0.1");
  EXPECT_EQ(
      Read({{"POOLSCOPE_LISTEN", "localhost:0"}, {"POOLSCOPE_FORK", "yes"}})
          .status()
          .message(),
      "POOLSCOPE_FORK=yes: use takeover, listen or off");
}

}  // namespace
}  // namespace poolscope
