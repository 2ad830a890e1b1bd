#include "poolscope/metrics/native_memory/printable_name.h"

#include <string>

#include "gtest/gtest.h"

namespace poolscope {
namespace {

TEST(PrintableNameTest, KeepsWhatCanBePrinted) {
  for (const std::string name :
       {"", "/usr/lib/libc.so.6", "[heap]", "/a \"quoted\" it's", "/caf\u00e9",
        "/line\\012end (deleted)", " ~"}) {
    EXPECT_EQ(PrintableName(name), name);
  }
}

TEST(PrintableNameTest, EscapesControlCharacters) {
  EXPECT_EQ(PrintableName("a\nb\x1b[31m\x7f"), "a\\x0ab\\x1b[31m\\x7f");
  EXPECT_EQ(PrintableName(std::string("\0\x1f", 2)), "\\x00\\x1f");
}

TEST(PrintableNameTest, EscapesAllBeyondAsciiOfWhatIsNotUtf8) {
  EXPECT_EQ(PrintableName("caf\xc3\xa9 \xff"), "caf\\xc3\\xa9 \\xff");
}

TEST(PrintableNameTest, TwiceIsTheSameAsOnce) {
  const std::string once = PrintableName("a\nb\\c\xff");
  EXPECT_EQ(PrintableName(once), once);
}

}  // namespace
}  // namespace poolscope
