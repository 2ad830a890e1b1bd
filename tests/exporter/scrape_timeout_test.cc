#include "poolscope/exporter/scrape_timeout.h"

#include <string>

#include "gtest/gtest.h"

namespace poolscope {
namespace {

TEST(ScrapeTimeoutTest, KeepsATenthBackAndHalfASecondAtMost) {
  EXPECT_EQ(ScrapePatience("0.1"), absl::Milliseconds(90));
  EXPECT_EQ(ScrapePatience("1"), absl::Milliseconds(900));
  EXPECT_EQ(ScrapePatience("5"), absl::Milliseconds(4500));
  EXPECT_EQ(ScrapePatience("10.000000"), absl::Milliseconds(9500));
  EXPECT_EQ(ScrapePatience(" 10 "), absl::Milliseconds(9500));
}

TEST(ScrapeTimeoutTest, WaitsAMinuteAtMost) {
  EXPECT_EQ(ScrapePatience("60.5"), absl::Seconds(60));
  EXPECT_EQ(ScrapePatience("60.4"), absl::Milliseconds(59900));
  for (const char* timeout : {"61", "3600", "1e300", "99999999999999999999"}) {
    EXPECT_EQ(ScrapePatience(timeout), absl::Seconds(60)) << timeout;
  }
}

TEST(ScrapeTimeoutTest, WhatIsNoTimeIsIgnored) {
  for (const std::string& timeout :
       {std::string(), std::string("abc"), std::string("0"), std::string("-0"),
        std::string("-1"), std::string("nan"), std::string("inf"),
        std::string("-inf"), std::string("1e400"), std::string("10s"),
        std::string("1 0"), std::string("10,10"), std::string("1\0", 2),
        std::string(10000, '9'), std::string(10000, ' ')}) {
    EXPECT_EQ(ScrapePatience(timeout), absl::Seconds(10))
        << timeout.substr(0, 20);
  }
}

TEST(ScrapeTimeoutTest, TheLeastTimeIsStillOne) {
  EXPECT_GE(ScrapePatience("1e-300"), absl::ZeroDuration());
  EXPECT_LT(ScrapePatience("1e-300"), absl::Milliseconds(1));
  EXPECT_EQ(ScrapePatience("0.001"), absl::Microseconds(900));
}

}  // namespace
}  // namespace poolscope
