#include "poolscope/bench/scrape_text.h"

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"

namespace poolscope::bench {
namespace {

Series Parsed(absl::string_view text) {
  const absl::StatusOr<Series> series = ParseScrape(text);
  EXPECT_TRUE(series.ok()) << series.status();
  return series.ok() ? *series : Series();
}

TEST(ParseScrapeTest, SortsLabelsAndSpellsBoundsInOneWay) {
  EXPECT_EQ(Parsed("# HELP a h\n# TYPE a gauge\na{z=\"1\",b=\"x,}\\\"\"} 2\n"
                   "c 1e3\nd_bucket{le=\"64.0\"} 3\n"),
            (Series{{"a{b=\"x,}\\\"\",z=\"1\"}", 2},
                    {"c", 1000},
                    {"d_bucket{le=\"64\"}", 3}}));
}

TEST(ParseScrapeTest, RefusesWhatIsMalformedOrThereTwice) {
  for (const char* text :
       {"a", "a x", "{} 1", "a{ 1", "a{b=\"c} 1", "a{b} 1", "a 1\na 2",
        "a{b=\"1\",c=\"2\"} 1\n"
        "a{c=\"2\",b=\"1\"} 1"}) {
    EXPECT_FALSE(ParseScrape(text).ok()) << text;
  }
}

TEST(CompareScrapesTest, NamesEachDifference) {
  const Series first =
      Parsed("same 1\nmoves 1\ndiffers 1\nfirst 1\nours_x 1\n");
  const Series second = Parsed("same 1\nmoves 2\ndiffers 2\nsecond 1\n");
  const ScrapeComparison comparison =
      CompareScrapes(first, second, {{"moves"}, {"ours_"}, {}});
  EXPECT_EQ(comparison.equal, 1u);
  EXPECT_EQ(comparison.moving, 1u);
  EXPECT_EQ(
      comparison.differences,
      (std::vector<std::string>{"differs: 1 and 2", "only in the first: first",
                                "only in the second: second"}));
}

TEST(CompareScrapesTest, ValuesAreTheSameTo16Digits) {
  const Series first = Parsed("a 0.12345678901234567\nb 0.1234567890123457\n");
  const Series second = Parsed("a 0.1234567890123457\nb 0.1234567890123467\n");
  const ScrapeComparison comparison = CompareScrapes(first, second, {});
  EXPECT_EQ(comparison.equal, 1u);
  EXPECT_EQ(comparison.differences.size(), 1u);
}

}  // namespace
}  // namespace poolscope::bench
