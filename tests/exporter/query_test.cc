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

}  // namespace
}  // namespace poolscope
