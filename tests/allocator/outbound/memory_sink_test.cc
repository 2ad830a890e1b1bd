#include "poolscope/allocator/outbound/memory_sink.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"

namespace poolscope {
namespace {

class MemorySinkTest : public testing::Test {
 protected:
  // Offers the strings as one piece each.
  absl::StatusOr<size_t> Write(std::vector<std::string> bytes) {
    std::vector<iovec> pieces;
    for (std::string& piece : bytes) {
      pieces.push_back({piece.data(), piece.size()});
    }
    return sink_.Write(pieces);
  }

  MemorySink sink_;
};

TEST_F(MemorySinkTest, WithoutAScriptTakesAll) {
  EXPECT_EQ(*Write({"abc", "", "de"}), 5);
  EXPECT_EQ(sink_.received(), "abcde");
  ASSERT_EQ(sink_.calls().size(), 1);
  EXPECT_EQ(sink_.calls()[0].pieces, 3);
  EXPECT_EQ(sink_.calls()[0].bytes, 5);
}

TEST_F(MemorySinkTest, PlaysOneStepACall) {
  sink_.ThenTake(4);
  sink_.ThenBeFull();
  sink_.ThenFail(absl::UnavailableError("reset"));
  sink_.ThenTake(100);
  EXPECT_EQ(*Write({"abc", "def"}), 4);
  EXPECT_EQ(*Write({"ef"}), 0);
  EXPECT_EQ(Write({"ef"}).status(), absl::UnavailableError("reset"));
  EXPECT_EQ(*Write({"ef"}), 2);
  EXPECT_EQ(*Write({"gh"}), 2);
  EXPECT_EQ(sink_.received(), "abcdefgh");
  EXPECT_EQ(sink_.calls().size(), 5);
}

TEST_F(MemorySinkTest, ForgetsItsScript) {
  sink_.ThenBeFull();
  sink_.TakeAll();
  EXPECT_EQ(*Write({"abc"}), 3);
}

TEST_F(MemorySinkTest, HoldsWhatItIsTold) {
  EXPECT_EQ(sink_.HeldBytes(), 0);
  sink_.set_held_bytes(7);
  EXPECT_EQ(sink_.HeldBytes(), 7);
}

}  // namespace
}  // namespace poolscope
