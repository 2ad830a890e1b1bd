#include "poolscope/metrics/number_format.h"

#include <cstdlib>
#include <limits>
#include <string>

#include "gtest/gtest.h"

namespace poolscope {
namespace {

std::string Integer(uint64_t value) {
  char text[kMaxNumberLength];
  return std::string(text, FormatInteger(value, text));
}

std::string Real(double value) {
  char text[kMaxNumberLength];
  return std::string(text, FormatReal(value, text));
}

std::string Bound(double value) {
  char text[kMaxNumberLength];
  return std::string(text, FormatBound(value, text));
}

TEST(NumberFormatTest, IntegersAreExactBeyondWhatADoubleHolds) {
  EXPECT_EQ(Integer(0), "0");
  EXPECT_EQ(Integer((uint64_t{1} << 53) - 1), "9007199254740991");
  EXPECT_EQ(Integer((uint64_t{1} << 53) + 1), "9007199254740993");
  EXPECT_EQ(Integer(std::numeric_limits<uint64_t>::max()),
            "18446744073709551615");
}

TEST(NumberFormatTest, RealsAreTheShortestThatReadBack) {
  EXPECT_EQ(Real(0.1), "0.1");
  EXPECT_EQ(Real(12.5), "12.5");
  EXPECT_EQ(Real(0.1 + 0.2), "0.30000000000000004");
  EXPECT_EQ(Real(0), "0");
  for (double value :
       {std::numeric_limits<double>::max(), std::numeric_limits<double>::min(),
        std::numeric_limits<double>::denorm_min(), 1.0 / 3}) {
    EXPECT_EQ(std::strtod(Real(value).c_str(), nullptr), value);
    EXPECT_LE(Real(-value).size(), kMaxNumberLength);
  }
}

TEST(NumberFormatTest, SpellsWhatIsNoNumberAsPrometheusDoes) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(Real(infinity), "+Inf");
  EXPECT_EQ(Real(-infinity), "-Inf");
  EXPECT_EQ(Real(std::numeric_limits<double>::quiet_NaN()), "NaN");
}

TEST(NumberFormatTest, BoundsNeverLookLikeIntegers) {
  EXPECT_EQ(Bound(64), "64.0");
  EXPECT_EQ(Bound(4194304), "4194304.0");
  EXPECT_EQ(Bound(0), "0.0");
  EXPECT_EQ(Bound(0.0001), "0.0001");
  EXPECT_EQ(Bound(0.00025), "0.00025");
  EXPECT_EQ(Bound(0.00009), "9e-05");
  EXPECT_EQ(Bound(0.25), "0.25");
  EXPECT_EQ(Bound(1e6), "1000000.0");
  EXPECT_EQ(Bound(1e15), "1e+15");
  EXPECT_EQ(Bound(std::numeric_limits<double>::infinity()), "+Inf");
}

TEST(NumberFormatTest, NumberTextIsALabelValue) {
  EXPECT_EQ(NumberText(14336).view(), "14336");
}

}  // namespace
}  // namespace poolscope
