#include "poolscope/exporter/sidecar_environment.h"

#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "poolscope/exporter/transport.h"
#include "poolscope/tests/exporter/sample_users.h"

namespace poolscope {
namespace {

class SidecarEnvironmentTest : public testing::Test {
 protected:
  ~SidecarEnvironmentTest() override {
    for (const char* variable :
         {"POOLSCOPE_LISTEN", "POOLSCOPE_ALLOW_REMOTE", "POOLSCOPE_USERS_FILE",
          "POOLSCOPE_HOSTS", "POOLSCOPE_HEALTH_LISTEN",
          "POOLSCOPE_BLACK_BOX"}) {
      unsetenv(variable);
    }
  }

  static void Set(const char* variable, const std::string& value) {
    setenv(variable, value.c_str(), /*overwrite=*/1);
  }
  static std::string Error() {
    const absl::StatusOr<SidecarOptions> options =
        SidecarOptionsFromEnvironment();
    EXPECT_FALSE(options.ok());
    return std::string(options.status().message());
  }
};

class NoSecurity : public TransportSecurity {
 public:
  std::unique_ptr<Transport> Wrap(int) override { return nullptr; }
  bool knows_clients() const override { return false; }
};

TEST_F(SidecarEnvironmentTest, WhatIsNotSetStaysAsItWas) {
  SidecarOptions given;
  given.health_listen = "127.0.0.1:2";
  given.black_box_path = "/box";
  given.security = std::make_shared<NoSecurity>();
  given.listen_address = "127.0.0.1:1";
  given.allow_remote = true;
  given.users = SampleUsers();
  given.hosts = {"metrics.example"};
  const SidecarOptions options = *SidecarOptionsFromEnvironment(given);
  EXPECT_EQ(options.listen_address, "127.0.0.1:1");
  EXPECT_TRUE(options.allow_remote);
  EXPECT_EQ(options.users.size(), 3u);
  EXPECT_EQ(options.hosts, given.hosts);
  EXPECT_EQ(options.health_listen, "127.0.0.1:2");
  EXPECT_EQ(options.black_box_path, "/box");
  EXPECT_EQ(options.security, given.security);
}

TEST_F(SidecarEnvironmentTest, SetsWhatItSays) {
  const std::string path = testing::TempDir() + "/environment_users";
  std::ofstream(path) << "debug:\n  grace: " << SampleUsers()[1].password_hash;
  Set("POOLSCOPE_LISTEN", "127.0.0.1:2");
  Set("POOLSCOPE_HEALTH_LISTEN", "0.0.0.0:3");
  Set("POOLSCOPE_ALLOW_REMOTE", "yes");
  Set("POOLSCOPE_HOSTS", "a.example, b");
  Set("POOLSCOPE_USERS_FILE", path);
  Set("POOLSCOPE_BLACK_BOX", "/var/lib/relay/box");
  const absl::StatusOr<SidecarOptions> options =
      SidecarOptionsFromEnvironment();
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->listen_address, "127.0.0.1:2");
  EXPECT_EQ(options->health_listen, "0.0.0.0:3");
  EXPECT_EQ(options->black_box_path, "/var/lib/relay/box");
  EXPECT_TRUE(options->allow_remote);
  EXPECT_EQ(options->hosts, (std::vector<std::string>{"a.example", "b"}));
  ASSERT_EQ(options->users.size(), 1u);
  EXPECT_EQ(options->users[0].name, "grace");
  Set("POOLSCOPE_ALLOW_REMOTE", "no");
  EXPECT_FALSE(SidecarOptionsFromEnvironment()->allow_remote);
}

TEST_F(SidecarEnvironmentTest, NamesTheVariableTheValueAndTheRemedy) {
  Set("POOLSCOPE_ALLOW_REMOTE", "1\n");
  EXPECT_EQ(Error(), "POOLSCOPE_ALLOW_REMOTE is \"1\\n\": give yes or no");
  Set("POOLSCOPE_ALLOW_REMOTE", "no");
  Set("POOLSCOPE_USERS_FILE", "/nowhere");
  EXPECT_EQ(Error(),
            "POOLSCOPE_USERS_FILE: users file \"/nowhere\": No such file or "
            "directory; docs/security.md says what is in it");
}

}  // namespace
}  // namespace poolscope
