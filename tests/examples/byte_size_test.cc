#include "poolscope/examples/demo/byte_size.h"

#include <gtest/gtest.h>

#include <string>

namespace poolscope::demo {
namespace {

TEST(ByteSizeTest, EverySuffixIsAPowerOf1024InEitherCase) {
  for (const char* text : {"14336", "14336b", "14k", "14K", "14kb", "14KiB"}) {
    const absl::StatusOr<ByteSize> size = ParseByteSize(text);
    ASSERT_TRUE(size.ok()) << text << ": " << size.status();
    EXPECT_EQ(size->bytes, 14336u) << text;
  }
  EXPECT_EQ(ParseByteSize("256m")->bytes, uint64_t{256} << 20);
  EXPECT_EQ(ParseByteSize("2GiB")->bytes, uint64_t{2} << 30);
  EXPECT_EQ(ParseByteSize("0")->bytes, 0u);
}

TEST(ByteSizeTest, WhatIsNoSizeIsNamed) {
  for (const char* text : {"", "k", "-1", "1.5k", "14q", "14 k", "14kk"}) {
    const absl::StatusOr<ByteSize> size = ParseByteSize(text);
    ASSERT_FALSE(size.ok()) << text;
    EXPECT_NE(size.status().message().find("'" + std::string(text) + "'"),
              absl::string_view::npos)
        << size.status();
  }
}

TEST(ByteSizeTest, TheLargestSizeIsTwoToTheSixty) {
  EXPECT_EQ(ParseByteSize("1073741824g")->bytes, uint64_t{1} << 60);
  EXPECT_FALSE(ParseByteSize("1073741825g").ok());
  EXPECT_FALSE(ParseByteSize("18446744073709551615k").ok());
  EXPECT_FALSE(ParseByteSize("18446744073709551616").ok());
}

TEST(ByteSizeTest, FormatPicksTheUnitThatIsReadable) {
  EXPECT_EQ(FormatByteSize(0), "0 B");
  EXPECT_EQ(FormatByteSize(1023), "1023 B");
  EXPECT_EQ(FormatByteSize(1024), "1.0 KiB");
  EXPECT_EQ(FormatByteSize(573440), "560.0 KiB");
  EXPECT_EQ(FormatByteSize((1 << 20) - 1), "1.0 MiB");
  EXPECT_EQ(FormatByteSize(uint64_t{256} << 20), "256.0 MiB");
  EXPECT_EQ(FormatByteSize(uint64_t{1} << 60), "1.0 EiB");
}

}  // namespace
}  // namespace poolscope::demo
