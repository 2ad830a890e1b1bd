#include "poolscope/allocator/outbound/message_ring.h"

#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "poolscope/tests/allocator/buffer/buffer_kinds.h"

namespace poolscope {
namespace outbound_internal {
namespace {

class MessageRingTest : public testing::Test {
 protected:
  uint64_t Push() {
    return ring_.PushBack(Must(maker_.unpooled().CopyOf("x")), nullptr, 0);
  }
  std::vector<uint64_t> Push(int count) {
    std::vector<uint64_t> numbers;
    for (int i = 0; i < count; ++i) numbers.push_back(Push());
    return numbers;
  }
  // Of those that have not ended.
  std::vector<uint64_t> Numbers() {
    std::vector<uint64_t> numbers;
    for (size_t i = 0; i < ring_.size(); ++i) {
      if (!ring_.at(i).is_hole()) numbers.push_back(ring_.at(i).number);
    }
    return numbers;
  }
  void Remove(uint64_t number) { ring_.Remove(ring_.Find(number)); }

  BufferMaker maker_;
  MessageRing ring_;
};

TEST_F(MessageRingTest, CountsFromOne) {
  EXPECT_EQ(ring_.next_number(), 1);
  EXPECT_EQ(Push(), 1);
  EXPECT_EQ(Push(), 2);
  EXPECT_EQ(ring_.next_number(), 3);
}

TEST_F(MessageRingTest, KeepsOrderWhileItGrowsAndTurns) {
  uint64_t first = 1;
  for (int i = 0; i < 100; ++i) {
    Push(3);
    EXPECT_EQ(ring_.front().number, first);
    ring_.Remove(0);
    ++first;
  }
  ASSERT_EQ(ring_.size(), 200);
  for (uint64_t number = first; number < ring_.next_number(); ++number) {
    EXPECT_EQ(ring_.at(ring_.Find(number)).number, number);
  }
}

TEST_F(MessageRingTest, FindsNothingBeforeBehindAndAtHoles) {
  Push(5);
  ring_.Remove(0);
  Remove(3);
  for (const uint64_t none : {0, 1, 3, 6}) {
    EXPECT_EQ(ring_.Find(none), ring_.size()) << none;
  }
  EXPECT_EQ(ring_.Find(UINT64_MAX), ring_.size());
  for (const uint64_t number : {2, 4, 5}) {
    EXPECT_EQ(ring_.at(ring_.Find(number)).number, number);
  }
  while (!ring_.empty()) ring_.Remove(0);
  EXPECT_EQ(ring_.Find(2), 0);
}

TEST_F(MessageRingTest, TheFirstIsNeverAHole) {
  Push(4);
  Remove(2);
  Remove(3);
  EXPECT_EQ(ring_.holes(), 2);
  Remove(1);
  EXPECT_EQ(ring_.holes(), 0);
  EXPECT_EQ(Numbers(), std::vector<uint64_t>({4}));
  EXPECT_EQ(ring_.size(), 1);
}

TEST_F(MessageRingTest, FlushesHolesToo) {
  Push(4);
  Remove(2);
  ring_.FlushAll();
  Push();
  EXPECT_EQ(ring_.flushed(), 4);
  ring_.Remove(0);
  EXPECT_EQ(ring_.flushed(), 2);
  EXPECT_EQ(Numbers(), std::vector<uint64_t>({3, 4, 5}));
  ring_.Remove(0);
  ring_.Remove(0);
  EXPECT_EQ(ring_.flushed(), 0);
  EXPECT_EQ(ring_.size(), 1);
}

TEST_F(MessageRingTest, IsSqueezedRatherThanGrown) {
  Push();
  for (int i = 0; i < 1000; ++i) Remove(Push());
  EXPECT_LE(ring_.size(), 8);
  const uint64_t last = Push();
  EXPECT_EQ(Numbers(), std::vector<uint64_t>({1, last}));
  EXPECT_EQ(ring_.at(ring_.Find(last)).number, last);
}

TEST_F(MessageRingTest, SqueezingKeepsWhatIsFlushed) {
  Push(6);
  for (const uint64_t number : {2, 4, 5}) Remove(number);
  ring_.FlushAll();
  Push();          // 7
  Remove(Push());  // 8
  Push();          // 9
  EXPECT_EQ(ring_.holes(), 0);
  EXPECT_EQ(ring_.flushed(), 3);
  EXPECT_EQ(Numbers(), std::vector<uint64_t>({1, 3, 6, 7, 9}));
  for (const uint64_t number : {1, 3, 6, 7, 9}) {
    EXPECT_EQ(ring_.at(ring_.Find(number)).number, number);
  }
  for (const uint64_t none : {2, 4, 5, 8, 10}) {
    EXPECT_EQ(ring_.Find(none), ring_.size());
  }
}

TEST_F(MessageRingTest, EndsItsMessages) {
  bool destroyed = false;
  // Its copy in the ring is not told apart from moved ones by its address.
  struct Witness {
    explicit Witness(bool* destroyed) : destroyed(destroyed) {}
    Witness(Witness&& other) noexcept
        : destroyed(std::exchange(other.destroyed, nullptr)) {}
    ~Witness() {
      if (destroyed != nullptr) *destroyed = true;
    }
    void operator()(const absl::Status&, Buffer) {}
    bool* destroyed;
  };
  {
    MessageRing ring;
    ring.PushBack(Must(maker_.pooled().CopyOf("x")), Witness(&destroyed), 0);
    EXPECT_FALSE(destroyed);
  }
  EXPECT_TRUE(destroyed);
}

TEST_F(MessageRingTest, HoldsWhatIsPushedAndNotRemoved) {
  std::mt19937 random(1);
  std::vector<uint64_t> expected;
  for (int step = 0; step < 20000; ++step) {
    // Longer and shorter in turn.
    const bool grows = step / 2000 % 2 == 0;
    if (random() % 8 < (grows ? 5 : 3) || expected.empty()) {
      expected.push_back(Push());
    } else if (random() % 4 == 0) {
      ring_.Remove(0);
      expected.erase(expected.begin());
    } else {
      const size_t which = random() % expected.size();
      Remove(expected[which]);
      expected.erase(expected.begin() + which);
    }
    if (step % 16 == 0) {
      ASSERT_EQ(Numbers(), expected);
      ASSERT_EQ(ring_.size() - ring_.holes(), expected.size());
    }
  }
}

}  // namespace
}  // namespace outbound_internal
}  // namespace poolscope
