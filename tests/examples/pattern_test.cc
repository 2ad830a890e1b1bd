#include "poolscope/examples/demo/pattern.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>

namespace poolscope::demo {
namespace {

std::string Payload(uint64_t seed, size_t size) {
  std::string bytes(size, '\0');
  FillPattern(seed, 0, absl::MakeSpan(&bytes[0], size));
  return bytes;
}

TEST(PatternTest, AnyPartIsThatPartOfTheWhole) {
  const std::string whole = Payload(7, 61);
  for (size_t from = 0; from <= whole.size(); ++from) {
    for (size_t to = from; to <= whole.size(); ++to) {
      std::string part(to - from, '\0');
      FillPattern(7, from, absl::MakeSpan(&part[0], part.size()));
      ASSERT_EQ(part, whole.substr(from, to - from)) << from << ".." << to;
      ASSERT_TRUE(MatchesPattern(7, from, part));
    }
  }
}

TEST(PatternTest, EveryChangedByteIsNoticed) {
  const std::string whole = Payload(7, 61);
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(MatchesPattern(7, 0, changed)) << "byte " << i;
  }
}

TEST(PatternTest, ShiftedSwappedAndForeignPayloadsAreNoticed) {
  const std::string whole = Payload(7, 4096);
  EXPECT_FALSE(MatchesPattern(7, 0, whole.substr(8)));
  EXPECT_FALSE(MatchesPattern(7, 1, whole));
  EXPECT_FALSE(MatchesPattern(8, 0, whole));
  EXPECT_FALSE(MatchesPattern(AnswerSeed(7), 0, whole));
  EXPECT_NE(AnswerSeed(7), AnswerSeed(8));
}

}  // namespace
}  // namespace poolscope::demo
