#include "poolscope/bench/netty_peer.h"

#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace poolscope::bench {
namespace {

// A machine with as much of Java as a test gives it.
class NettyPeerTest : public testing::Test {
 protected:
  NettyPeerTest() {
    std::string name = testing::TempDir() + "/nettyXXXXXX";
    root_ = mkdtemp(name.data());
    std::string directory = root_;
    for (const char* part :
         {"/bench.runfiles", "/poolscope", "/bench", "/netty"}) {
      directory += part;
      mkdir(directory.c_str(), 0755);
    }
  }

  void Provide(const std::string& file) {
    const std::string path = root_ + "/" + file;
    std::ofstream(path) << "";
    chmod(path.c_str(), 0755);
  }

  void ProvideAll() {
    for (const char* file :
         {"java", "javac", "netty-buffer.jar", "netty-common.jar",
          "jctools-core.jar",
          "bench.runfiles/poolscope/bench/netty/NettyBench.java"}) {
      Provide(file);
    }
  }

  absl::StatusOr<std::vector<std::string>> Command(TrialOptions options = {}) {
    return NettyCommand(root_, "/no/such:" + root_, root_, options);
  }

  std::string root_;
};

TEST_F(NettyPeerTest, EachPartThatIsMissingIsNamed) {
  ProvideAll();
  for (const char* file :
       {"java", "javac", "netty-buffer.jar", "netty-common.jar",
        "jctools-core.jar",
        "bench.runfiles/poolscope/bench/netty/NettyBench.java"}) {
    std::remove((root_ + "/" + file).c_str());
    const absl::Status status = Command().status();
    EXPECT_EQ(status.code(), absl::StatusCode::kNotFound) << file;
    EXPECT_THAT(std::string(status.message()), testing::HasSubstr(file));
    Provide(file);
  }
  EXPECT_TRUE(Command().ok());
}

TEST_F(NettyPeerTest, CommandRunsTheSourceWithTheLibraries) {
  ProvideAll();
  const auto command = Command();
  ASSERT_TRUE(command.ok()) << command.status();
  EXPECT_EQ(command->front(), root_ + "/java");
  EXPECT_THAT(*command,
              testing::Contains("-Dio.netty.leakDetection.level=simple"));
  EXPECT_THAT(*command, testing::Contains(
                            testing::HasSubstr(root_ + "/netty-buffer.jar:")));
  EXPECT_THAT(command->back(), testing::EndsWith("/NettyBench.java"));
  EXPECT_EQ(Command({/*quick=*/true})->back(), "--quick");
}

}  // namespace
}  // namespace poolscope::bench
