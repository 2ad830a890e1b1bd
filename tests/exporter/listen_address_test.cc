#include "poolscope/exporter/listen_address.h"

#include <string>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"

namespace poolscope {
namespace {

TEST(ListenAddressTest, ReadsLiteralAddresses) {
  const absl::StatusOr<ListenAddress> v4 = ParseListenAddress("127.0.0.1:9464");
  ASSERT_TRUE(v4.ok()) << v4.status();
  EXPECT_EQ(v4->host, "127.0.0.1");
  EXPECT_EQ(v4->port, 9464);
  EXPECT_FALSE(v4->ipv6);
  EXPECT_EQ(v4->ToString(), "127.0.0.1:9464");

  const absl::StatusOr<ListenAddress> v6 = ParseListenAddress("[::1]:65535");
  ASSERT_TRUE(v6.ok()) << v6.status();
  EXPECT_EQ(v6->host, "::1");
  EXPECT_EQ(v6->port, 65535);
  EXPECT_TRUE(v6->ipv6);
  EXPECT_EQ(v6->ToString(), "[::1]:65535");

  EXPECT_EQ(ParseListenAddress("localhost:0")->host, "127.0.0.1");
}

TEST(ListenAddressTest, KnowsLoopback) {
  for (const char* text :
       {"127.0.0.1:1", "127.255.0.9:1", "[::1]:1", "localhost:1"}) {
    EXPECT_TRUE(ParseListenAddress(text)->loopback) << text;
  }
  for (const char* text : {"0.0.0.0:1", "128.0.0.1:1", "10.0.0.1:1", "[::]:1",
                           "[::2]:1", "[::ffff:127.0.0.1]:1"}) {
    EXPECT_FALSE(ParseListenAddress(text)->loopback) << text;
  }
}

TEST(ListenAddressTest, RefusesTheRestInOneLineThatNamesIt) {
  for (const char* text : {"",
                           "9464",
                           ":9464",
                           "127.0.0.1",
                           "127.0.0.1:",
                           "127.0.0.1:65536",
                           "127.0.0.1:-1",
                           "127.0.0.1:+1",
                           "127.0.0.1: 1",
                           "127.0.0.1:1s",
                           "127.0.0.1:4294967297",
                           "127.0.1:1",
                           "256.0.0.1:1",
                           "::1:9464",
                           "[::1:9464",
                           "[]:1",
                           "[127.0.0.1]:1",
                           "example.com:1",
                           "*:1",
                           "127.0.0.1,0.0.0.0:1",
                           "[::1%lo]:1",
                           "[:1"}) {
    const absl::Status status = ParseListenAddress(text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_NE(status.message().find("\"" + std::string(text) + "\""),
              absl::string_view::npos)
        << status;
    EXPECT_EQ(status.message().find('\n'), absl::string_view::npos);
  }
}

}  // namespace
}  // namespace poolscope
