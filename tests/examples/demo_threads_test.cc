// The demo on a system that gives it no thread. Apart from demo_test, since the
// address and thread sanitizers do not start with such a stack limit.
#include <gtest/gtest.h>

#include "poolscope/tests/examples/subprocess.h"

namespace poolscope {
namespace {

TEST(DemoThreadsTest, WithoutThreadsItIsOneLine) {
  // A stack larger than the address space is refused as `ulimit -u` refuses.
  Subprocess demo({"/bin/sh", "-c",
                   "ulimit -s 137438953472 && exec examples/demo/demo "
                   "--listen=127.0.0.1:0 --duration=1s"});
  EXPECT_EQ(demo.Wait(), 1);
  EXPECT_EQ(demo.output(), "");
  EXPECT_EQ(demo.errors(),
            "demo: cannot start a thread: Resource temporarily unavailable: "
            "raise ulimit -u or -v\n");
}

}  // namespace
}  // namespace poolscope
