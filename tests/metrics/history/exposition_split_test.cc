#include "poolscope/metrics/history/exposition_split.h"

#include <string>

#include "gtest/gtest.h"

namespace poolscope {
namespace {

TEST(ExpositionSplitTest, WhatIsSplitIsJoined) {
  const std::string text =
      "# HELP a Of a 1.\n# TYPE a gauge\na{x=\"1 2\"} 5\na 0.25\n";
  std::string names = "old";
  std::string values = "old";
  SplitExposition(text, names, values);
  EXPECT_EQ(names, "# HELP a Of a 1.\n# TYPE a gauge\na{x=\"1 2\"}\na\n");
  EXPECT_EQ(values, "5\n0.25\n");
  EXPECT_EQ(JoinExposition(names, values), text);
}

TEST(ExpositionSplitTest, NothingIsNothing) {
  std::string names;
  std::string values;
  SplitExposition("", names, values);
  EXPECT_EQ(names, "");
  EXPECT_EQ(values, "");
  EXPECT_EQ(JoinExposition("", ""), "");
}

TEST(ExpositionSplitTest, AsManyValuesAsNames) {
  EXPECT_EQ(JoinExposition("a\nb\n", "1\n"), std::nullopt);
  EXPECT_EQ(JoinExposition("a\nb\n", "1\n2\n"), "a 1\nb 2\n");
  EXPECT_EQ(JoinExposition("a\nb\n", "1\n2\n3\n"), std::nullopt);
}

}  // namespace
}  // namespace poolscope
