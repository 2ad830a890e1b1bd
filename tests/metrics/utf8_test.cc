#include "poolscope/metrics/utf8.h"

#include <string>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace poolscope {
namespace {

TEST(Utf8Test, TakesTheFirstAndLastCharacterOfEachLength) {
  for (const absl::string_view text :
       {"", "\x01", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
        "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf",
        "\xee\x80\x80"}) {
    EXPECT_TRUE(IsUtf8(text)) << text;
  }
  EXPECT_TRUE(IsUtf8(absl::string_view("\0", 1)));
}

TEST(Utf8Test, RefusesWhatIsNoCharacter) {
  for (const absl::string_view text :
       {"\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xed\xa0\x80",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xc2\x41",
        "\xe1\x80\x41"}) {
    EXPECT_FALSE(IsUtf8(text)) << text;
  }
}

TEST(Utf8Test, RefusesACharacterCutShort) {
  const std::string text = "\xf0\x90\x80\x80";
  for (size_t size = 1; size < text.size(); ++size) {
    EXPECT_FALSE(IsUtf8(text.substr(0, size))) << size;
  }
}

}  // namespace
}  // namespace poolscope
