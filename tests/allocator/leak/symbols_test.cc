#include "poolscope/allocator/leak/symbols.h"

#include <string>
#include <vector>

#include "absl/base/attributes.h"
#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/leak/stack_trace.h"

namespace poolscope {

// As the pool's own functions are called.
namespace pool_internal {
ABSL_ATTRIBUTE_NOINLINE StackTrace CaptureWithin() {
  StackTrace trace = StackTrace::Capture();
  asm volatile("");
  return trace;
}
}  // namespace pool_internal

ABSL_ATTRIBUTE_NOINLINE StackTrace CaptureOutside() {
  StackTrace trace = pool_internal::CaptureWithin();
  asm volatile("");
  return trace;
}

namespace {

TEST(SymbolsTest, AStackBeginsAtTheCaller) {
  const StackTrace trace = CaptureOutside();
  ASSERT_GE(trace.frames().size(), 3u);
  EXPECT_EQ(FunctionName(trace.frames()[0]),
            "poolscope::pool_internal::CaptureWithin()");
  EXPECT_EQ(FunctionName(trace.frames()[1]), "poolscope::CaptureOutside()");
  EXPECT_TRUE(absl::StrContains(FunctionName(trace.frames()[2]), "TestBody"));
}

TEST(SymbolsTest, OwnFramesAreCountedButNeverAll) {
  const StackTrace trace = CaptureOutside();
  EXPECT_EQ(CountOwnFrames(trace.frames()), 1u);
  EXPECT_EQ(CountOwnFrames(trace.frames().subspan(1)), 0u);
  EXPECT_EQ(CountOwnFrames(trace.frames().subspan(0, 1)), 0u);
  EXPECT_EQ(CountOwnFrames({}), 0u);
}

TEST(SymbolsTest, AFrameNamesItsModule) {
  const StackTrace trace = CaptureOutside();
  const std::string text = FrameText(trace.frames()[1]);
  EXPECT_TRUE(
      absl::StartsWith(text, "poolscope::CaptureOutside() (symbols_test+0x"))
      << text;
}

TEST(SymbolsTest, WhatIsNoCodeIsUnknown) {
  EXPECT_EQ(FunctionName(reinterpret_cast<void*>(16)), "(unknown)");
  EXPECT_EQ(FrameText(reinterpret_cast<void*>(16)), "(unknown) (0x10)");
}

TEST(StackTraceTest, EqualsAreEqualAndOthersAreNot) {
  // Through a pointer that may change, the loop has one call and not several.
  StackTrace (*volatile capture)() = CaptureOutside;
  std::vector<StackTrace> in_a_loop;
  for (int i = 0; i < 100; ++i) in_a_loop.push_back(capture());
  EXPECT_TRUE(in_a_loop[98] == in_a_loop[99]);
  const StackTrace elsewhere = CaptureOutside();
  EXPECT_FALSE(in_a_loop[99] == elsewhere);
  EXPECT_FALSE(in_a_loop[99] == StackTrace());
  EXPECT_TRUE(StackTrace() == StackTrace());
  EXPECT_EQ(in_a_loop[99].ToVector().size(), in_a_loop[99].frames().size());
}

ABSL_ATTRIBUTE_NOINLINE StackTrace AtDepth(int depth) {
  StackTrace trace = depth == 0 ? StackTrace::Capture() : AtDepth(depth - 1);
  asm volatile("");
  return trace;
}

TEST(StackTraceTest, KeepsTheInnermostFrames) {
  const StackTrace trace = AtDepth(StackTrace::kMaxFrames + 10);
  ASSERT_EQ(trace.frames().size(), size_t{StackTrace::kMaxFrames});
  for (const void* frame : trace.frames()) {
    EXPECT_TRUE(absl::StrContains(FunctionName(frame), "AtDepth"));
  }
}

}  // namespace
}  // namespace poolscope
