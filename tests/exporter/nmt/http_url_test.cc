#include "poolscope/exporter/nmt/http_url.h"

#include "gtest/gtest.h"

namespace poolscope {
namespace {

TEST(HttpUrlTest, TakesWhatPeopleType) {
  const struct {
    const char* text;
    const char* authority;
    const char* prefix;
  } kCases[] = {
      {"http://127.0.0.1:9464", "127.0.0.1:9464", ""},
      {"http://127.0.0.1:9464/", "127.0.0.1:9464", ""},
      {"HTTP://localhost:1", "localhost:1", ""},
      {"localhost:65535", "localhost:65535", ""},
      {"10.0.0.7", "10.0.0.7:9464", ""},
      {"http://[::1]:80", "[::1]:80", ""},
      {"[::1]", "[::1]:9464", ""},
      {"http://proxy:80/relay/3/", "proxy:80", "/relay/3"},
  };
  for (const auto& c : kCases) {
    const absl::StatusOr<HttpUrl> url = ParseHttpUrl(c.text);
    ASSERT_TRUE(url.ok()) << url.status();
    EXPECT_EQ(url->Authority(), c.authority);
    EXPECT_EQ(url->prefix, c.prefix);
  }
}

TEST(HttpUrlTest, RefusesWhatIsNone) {
  for (const char* text :
       {"", "http://", ":9464", "localhost:", "localhost:0", "localhost:65536",
        "localhost:http", "[::1", "[::1]x", "[]:80", "http://a b", "a\r\nb",
        "http://host/?view=detail"}) {
    EXPECT_FALSE(ParseHttpUrl(text).ok()) << text;
  }
  EXPECT_EQ(ParseHttpUrl("https://localhost").status().message(),
            "\"https://localhost\": the sidecar speaks plain HTTP; give the "
            "sidecar's URL, such as http://127.0.0.1:9464");
}

}  // namespace
}  // namespace poolscope
