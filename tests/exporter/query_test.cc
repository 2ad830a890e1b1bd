#include "poolscope/exporter/query.h"

#include <string>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"

namespace poolscope {
namespace {

TEST(ParseQueryTest, ReadsNamesAndValues) {
  const absl::StatusOr<QueryParameters> query =
      ParseQuery("a=1&b=x%20y+z&c&d=%3D%26=&&");
  ASSERT_TRUE(query.ok()) << query.status();
  EXPECT_EQ(*query, (QueryParameters{
                        {"a", "1"}, {"b", "x y z"}, {"c", ""}, {"d", "=&="}}));
  EXPECT_TRUE(ParseQuery("")->empty());
  EXPECT_EQ(*ParseQuery("a=%2F%5f%aA%09"),
            (QueryParameters{{"a", "/_\xaa\t"}}));
}

TEST(ParseQueryTest, RefusesBrokenEscapes) {
  for (const char* text : {"a=%", "a=%2", "a=%zz", "%=1", "a=%2g"}) {
    EXPECT_EQ(ParseQuery(text).status().code(),
              absl::StatusCode::kInvalidArgument)
        << text;
  }
}

TEST(ParseQueryTest, RefusesANameTwice) {
  EXPECT_EQ(ParseQuery("a=1&%61=2").status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(AcceptQualityTest, FindsTheTypeByName) {
  EXPECT_EQ(AcceptQuality("application/json", "application/json"), 1);
  EXPECT_EQ(
      AcceptQuality("text/html, Application/JSON;q=0.5", "application/json"),
      0.5);
  EXPECT_EQ(AcceptQuality("application/json; charset=utf-8; q=0.25",
                          "application/json"),
            0.25);
}

TEST(AcceptQualityTest, IsZeroForWhatIsNotNamedOrMalformed) {
  EXPECT_EQ(AcceptQuality("", "application/json"), 0);
  EXPECT_EQ(AcceptQuality("*/*", "application/json"), 0);
  EXPECT_EQ(AcceptQuality("application/jsonx", "application/json"), 0);
  for (const char* q : {"2", "-1", "nan", "x", ""}) {
    EXPECT_EQ(AcceptQuality(std::string("application/json;q=") + q,
                            "application/json"),
              0)
        << q;
  }
}

TEST(ChooseEncodingTest, GzipWhereItIsTaken) {
  for (const char* header :
       {"gzip", "GZip", "x-gzip", "deflate, gzip", "gzip;q=1.0", "*",
        "gzip ; q=0.001", "gzip;q=0.5, identity;q=0.5", "br;q=1, *;q=0.1",
        "identity;q=0.3,gzip;Q=0.4", "gzip;level=9;q=0.2", "gzip,,",
        "gzip;q=x, gzip;q=0.7", "*;q=0, gzip"}) {
    EXPECT_TRUE(ChooseEncoding(header).gzip) << header;
  }
}

TEST(ChooseEncodingTest, PlainWhereGzipIsRefusedOrNotNamed) {
  for (const char* header : {"",
                             "identity",
                             "deflate, br",
                             "gzip;q=0",
                             "gzip;q=0.000",
                             "gzip;q=0, *",
                             "x-gzip;q=0",
                             "*;q=0",
                             "gzip;q=0.4, identity",
                             "gzip;q=0.4, identity;q=0.5",
                             "gzipped",
                             "gz ip",
                             ";q=1",
                             ",;,",
                             ";",
                             "gzip;q=",
                             "gzip;q=x",
                             "gzip;q=-1",
                             "gzip;q=1.1",
                             "gzip;q=nan",
                             "gzip;q=inf",
                             "gzip=1",
                             "\"gzip\"",
                             "\x80gzip"}) {
    EXPECT_FALSE(ChooseEncoding(header).gzip) << header;
  }
}

TEST(ChooseEncodingTest, PlainIsTakenUnlessItIsRefused) {
  for (const char* header : {"", "gzip", "*", "*;q=0.1", "identity;q=0.1",
                             "*;q=0, identity;q=0.1", "br"}) {
    EXPECT_TRUE(ChooseEncoding(header).identity) << header;
  }
  for (const char* header : {"identity;q=0", "gzip, identity;q=0", "*;q=0",
                             "gzip, *;q=0", "identity;q=x"}) {
    EXPECT_FALSE(ChooseEncoding(header).identity) << header;
  }
}

TEST(QueryTest, ControlCharactersAreEscapedInErrors) {
  EXPECT_EQ(ParseQuery("\x1b=1&\x1b=2").status().message(),
            "the query has \"\\x1b\" twice");
}

}  // namespace
}  // namespace poolscope
