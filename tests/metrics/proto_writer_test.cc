// Bytes by hand. That a reader which is not ours understands them:
// pprof_encoder_test.
#include "poolscope/metrics/proto_writer.h"

#include <cstdint>
#include <string>

#include "gtest/gtest.h"

namespace poolscope {
namespace {

template <size_t N>
std::string Bytes(const char (&text)[N]) {
  return std::string(text, N - 1);
}

TEST(ProtoWriterTest, IntegersHaveSevenBitsAByte) {
  const std::pair<uint64_t, std::string> cases[] = {
      {1, Bytes("\x08\x01")},
      {127, Bytes("\x08\x7f")},
      {128, Bytes("\x08\x80\x01")},
      {16383, Bytes("\x08\xff\x7f")},
      {16384, Bytes("\x08\x80\x80\x01")},
      {UINT64_MAX, Bytes("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")},
  };
  for (const auto& [value, expected] : cases) {
    std::string out;
    ProtoWriter(&out).Integer(1, value);
    EXPECT_EQ(out, expected) << value;
  }
}

TEST(ProtoWriterTest, FieldsAbove15HaveALongerKey) {
  std::string out;
  ProtoWriter writer(&out);
  writer.Integer(15, 1);
  writer.Integer(16, 1);
  EXPECT_EQ(out, Bytes("\x78\x01\x80\x01\x01"));
}

TEST(ProtoWriterTest, ZerosAndEmptyRowsAreLeftOutAndEmptyStringsAreNot) {
  std::string out;
  ProtoWriter writer(&out);
  writer.Integer(1, 0);
  writer.PackedIntegers(2, {});
  writer.String(3, "");
  EXPECT_EQ(out, Bytes("\x1a\x00"));
}

TEST(ProtoWriterTest, RowsArePackedWithTheirZeros) {
  std::string out;
  ProtoWriter(&out).PackedIntegers(2, {3, 0, 300});
  EXPECT_EQ(out, Bytes("\x12\x04\x03\x00\xac\x02"));
}

TEST(ProtoWriterTest, MessagesNestWithTheirLength) {
  std::string out;
  ProtoWriter(&out).Message(4, [](ProtoWriter& outer) {
    outer.String(1, std::string(200, 'x'));
    outer.Message(2, [](ProtoWriter& inner) { inner.Integer(1, 5); });
  });
  EXPECT_EQ(out, Bytes("\x22\xcf\x01\x0a\xc8\x01") + std::string(200, 'x') +
                     Bytes("\x12\x02\x08\x05"));
}

}  // namespace
}  // namespace poolscope
