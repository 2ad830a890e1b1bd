#include "poolscope/exporter/bcrypt.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"

namespace poolscope {
namespace {

// Of "scrape-me", as another program of libcrypt printed it.
constexpr char kHash[] =
    "$2y$04$abcdefghijklmnopqrstuuY9IzzDs2KOfMw3usTjoBXx1ZNABU.fW";
// Of 72 times 'x', and of 73.
constexpr char kLongestHash[] =
    "$2b$04$abcdefghijklmnopqrstuubzadhGtS2zEF.gu0yd0opP6cVzb.e0i";

TEST(BcryptTest, KnowsTheRightPasswordAlone) {
  EXPECT_TRUE(BcryptMatches("scrape-me", kHash));
  for (const char* wrong : {"", "scrape-m", "scrape-me ", "Scrape-me", kHash}) {
    EXPECT_FALSE(BcryptMatches(wrong, kHash)) << wrong;
  }
}

TEST(BcryptTest, TakesHashesOfEachVariant) {
  // 'a', 'b' and 'y' name one function; 'x' is that of a library with a fault.
  for (const char* variant : {"$2a$", "$2b$", "$2y$"}) {
    const std::string hash = absl::StrReplaceAll(kHash, {{"$2y$", variant}});
    EXPECT_EQ(BcryptCost(hash), 4) << variant;
    EXPECT_TRUE(BcryptMatches("scrape-me", hash)) << variant;
  }
}

TEST(BcryptTest, CostsFromFourToFifteenAreTaken) {
  const auto cost = [](const char* digits) {
    return BcryptCost(
        absl::StrReplaceAll(kHash, {{"$04$", absl::StrCat("$", digits, "$")}}));
  };
  EXPECT_EQ(cost("03"), 0);
  EXPECT_EQ(cost("04"), 4);
  EXPECT_EQ(cost("10"), 10);
  EXPECT_EQ(cost("15"), 15);
  EXPECT_EQ(cost("16"), 0);
  EXPECT_EQ(cost("31"), 0);
  EXPECT_EQ(cost("0a"), 0);
}

TEST(BcryptTest, AnythingElseIsNoHash) {
  const std::string hash = kHash;
  for (const std::string& bad :
       {std::string(), std::string("secret"), hash.substr(0, 59), hash + "a",
        "$2x" + hash.substr(3), "$1" + hash.substr(2), hash.substr(0, 59) + ":",
        hash.substr(0, 6) + "." + hash.substr(7)}) {
    EXPECT_EQ(BcryptCost(bad), 0) << bad;
  }
}

TEST(BcryptTest, WhatBcryptWouldIgnoreIsRefused) {
  EXPECT_TRUE(BcryptMatches(std::string(72, 'x'), kLongestHash));
  EXPECT_FALSE(BcryptMatches(std::string(73, 'x'), kLongestHash));
  EXPECT_FALSE(BcryptMatches(std::string("scrape-me\0more", 14), kHash));
}

TEST(BcryptTest, ComparesEveryByte) {
  EXPECT_TRUE(EqualInConstantTime("", ""));
  EXPECT_TRUE(EqualInConstantTime("abc", "abc"));
  for (const char* other : {"xbc", "axc", "abx", "ab", "abcd", ""}) {
    EXPECT_FALSE(EqualInConstantTime("abc", other)) << other;
  }
}

}  // namespace
}  // namespace poolscope
