#include "poolscope/exporter/late_scrape.h"

#include "gtest/gtest.h"

namespace poolscope {
namespace {

TEST(LateScrapeTest, SuccessIsZeroAgesGrowAndTheRestStays) {
  EXPECT_EQ(
      LateScrape("# HELP poolscope_scrape_success h\n"
                 "# TYPE poolscope_scrape_success gauge\n"
                 "poolscope_scrape_success{collector=\"pool\"} 1\n"
                 "poolscope_scrape_success{collector=\"malloc\"} 0\n"
                 "poolscope_snapshot_age_seconds{collector=\"pool\"} 0.5\n"
                 "poolscope_snapshot_age_seconds{collector=\"malloc\"} 4\n"
                 "poolscope_scrape_success_other{collector=\"pool\"} 1\n"
                 "poolscope_chunks{list=\"q000\"} 1\n"
                 "theirs{a=\"poolscope_scrape_success{ 1\"} 1\n"
                 "# EOF\n",
                 absl::Milliseconds(2250)),
      "# HELP poolscope_scrape_success h\n"
      "# TYPE poolscope_scrape_success gauge\n"
      "poolscope_scrape_success{collector=\"pool\"} 0\n"
      "poolscope_scrape_success{collector=\"malloc\"} 0\n"
      "poolscope_snapshot_age_seconds{collector=\"pool\"} 2.75\n"
      "poolscope_snapshot_age_seconds{collector=\"malloc\"} 6.25\n"
      "poolscope_scrape_success_other{collector=\"pool\"} 1\n"
      "poolscope_chunks{list=\"q000\"} 1\n"
      "theirs{a=\"poolscope_scrape_success{ 1\"} 1\n"
      "# EOF\n");
}

TEST(LateScrapeTest, OfNothingIsNothing) {
  EXPECT_EQ(LateScrape("", absl::Seconds(1)), "");
}

}  // namespace
}  // namespace poolscope
