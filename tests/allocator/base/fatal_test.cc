#include "poolscope/allocator/base/fatal.h"

#include <string>

#include "gtest/gtest.h"

namespace poolscope {
namespace {

TEST(FatalDeathTest, WritesOneLineAndAborts) {
  EXPECT_EXIT(Fatal("block %d of class %s", 7, "small"),
              testing::KilledBySignal(SIGABRT),
              "poolscope: block 7 of class small\n");
}

TEST(FatalDeathTest, CutsALongMessageAndStillEndsTheLine) {
  const std::string text(2000, 'x');
  // 512 bytes in all: the prefix, x as far as there is room, a newline.
  const std::string kept(512 - std::string("poolscope: ").size() - 1, 'x');
  EXPECT_EXIT(Fatal("%s", text.c_str()), testing::KilledBySignal(SIGABRT),
              "poolscope: " + kept + "\n");
}

}  // namespace
}  // namespace poolscope
