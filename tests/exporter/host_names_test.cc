#include "poolscope/exporter/host_names.h"

#include <string>

#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace poolscope {
namespace {

TEST(HostNamesTest, AddressesAndLocalhostNeedNotBeGiven) {
  const HostNames names;
  for (const char* host :
       {"127.0.0.1", "127.0.0.1:9464", "192.0.2.7:80", "[::1]", "[::1]:9464",
        "[2001:db8::1]", "localhost", "localhost:9464", "LocalHost", ""}) {
    EXPECT_TRUE(names.Includes(host)) << host;
  }
}

TEST(HostNamesTest, AnyOtherNameIsForeign) {
  const HostNames names;
  for (const char* host : {"evil.example",
                           "evil.example:9464",
                           "localhost.evil.example",
                           "127.0.0.1.evil.example",
                           "evil.example:9464:127.0.0.1",
                           "127.0.0.1x",
                           "localhost:evil",
                           "[evil]",
                           "[::1",
                           "::1",
                           "[::1]x",
                           "[]",
                           "127.1",
                           "2130706433",
                           "0x7f.1",
                           ":9464x",
                           "localhost@evil.example",
                           "evil.example#localhost",
                           " localhost",
                           "localhost\t"}) {
    EXPECT_FALSE(names.Includes(host)) << host;
  }
}

TEST(HostNamesTest, GivenNamesAreTakenWhateverTheirCaseAndPort) {
  const HostNames names({"Metrics.example", "db1"});
  for (const char* host : {"metrics.example", "METRICS.EXAMPLE:80",
                           "metrics.example.", "db1:9464", "localhost"}) {
    EXPECT_TRUE(names.Includes(host)) << host;
  }
  for (const char* host :
       {"a.metrics.example", "metrics.example.evil", "xmetrics.example",
        "metrics.example..", "db", "db11"}) {
    EXPECT_FALSE(names.Includes(host)) << host;
  }
}

TEST(HostNamesTest, RefusesWhatIsNoNameAlone) {
  EXPECT_TRUE(ValidateHostNames({}).ok());
  EXPECT_TRUE(ValidateHostNames({"a", "a-b_c.example9"}).ok());
  EXPECT_TRUE(ValidateHostNames({std::string(253, 'a')}).ok());
  for (const std::string& bad :
       {std::string(), std::string("http://a"), std::string("a:80"),
        std::string("*"), std::string("a b"), std::string("a.\n"),
        std::string("a."), std::string(254, 'a')}) {
    const absl::Status status = ValidateHostNames({"good", bad});
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << bad;
    EXPECT_TRUE(absl::StrContains(status.message(), "without scheme and port"));
    EXPECT_FALSE(absl::StrContains(status.message(), "\n"));
  }
}

}  // namespace
}  // namespace poolscope
