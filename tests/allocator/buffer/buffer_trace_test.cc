// Random operations on buffers of every kind, against a model.
#include "poolscope/tests/allocator/buffer/buffer_trace.h"

#include <cstdint>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "poolscope/tests/allocator/buffer/buffer_kinds.h"

namespace poolscope {
namespace {

class BufferTraceTest : public testing::TestWithParam<int> {};

INSTANTIATE_TEST_SUITE_P(Seeds, BufferTraceTest, testing::Range(1, 9));

TEST_P(BufferTraceTest, DoesWhatTheModelDoes) {
  BufferMaker maker;
  std::mt19937 random(GetParam());
  size_t operations = 0;
  for (int i = 0; i < 60; ++i) {
    std::vector<uint8_t> trace(2000);
    for (uint8_t& byte : trace) byte = static_cast<uint8_t>(random());
    size_t count = 0;
    ASSERT_EQ(RunBufferTrace(trace, maker.pooled(), maker.unpooled(), &count),
              "")
        << "trace " << i;
    operations += count;
  }
  EXPECT_GT(operations, 60 * 300);
}

TEST(BufferTraceTest, OfNothingDoesNothing) {
  BufferMaker maker;
  size_t count = 1;
  EXPECT_EQ(RunBufferTrace({}, maker.pooled(), maker.unpooled(), &count), "");
  EXPECT_EQ(count, 0);
}

}  // namespace
}  // namespace poolscope
