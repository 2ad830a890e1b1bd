#include "poolscope/bench/handover_ring.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>

#include "gtest/gtest.h"

namespace poolscope::bench {
namespace {

void* AsPointer(uintptr_t value) { return reinterpret_cast<void*>(value); }

// Hands 1..count over, flushing every `flush_interval`.
void HandOver(uintptr_t count, uintptr_t flush_interval) {
  // On the heap: the stack under ASan keeps no alignment of a cache line.
  const auto owned = std::make_unique<HandoverRing>();
  HandoverRing& ring = *owned;
  std::atomic<uintptr_t> sum{0};
  bool in_order = true;
  std::thread consumer([&] {
    uintptr_t expected = 1;
    while (void* pointer = ring.Take()) {
      in_order = in_order && pointer == AsPointer(expected++);
      sum.store(sum.load() + reinterpret_cast<uintptr_t>(pointer));
    }
  });
  for (uintptr_t i = 1; i <= count; ++i) {
    ring.Push(AsPointer(i));
    if (i % flush_interval == 0) {
      ring.WaitUntilTaken();
      EXPECT_EQ(sum.load(), i * (i + 1) / 2);
    }
  }
  ring.WaitUntilTaken();
  EXPECT_EQ(sum.load(), count * (count + 1) / 2);
  ring.Push(nullptr);
  ring.Flush();
  consumer.join();
  EXPECT_TRUE(in_order);
}

TEST(HandoverRingTest, OnePointerArrives) { HandOver(1, 1); }

TEST(HandoverRingTest, LessThanAGroupArrivesOnceFlushed) {
  HandOver(10 * (HandoverRing::kGroup - 1), HandoverRing::kGroup - 1);
}

TEST(HandoverRingTest, WholeGroupsArrive) {
  HandOver(10 * HandoverRing::kGroup, HandoverRing::kGroup);
}

TEST(HandoverRingTest, FullRingMakesTheProducerWait) {
  HandOver(100'000, 100'000);
}

TEST(HandoverRingTest, JustAboveTheCapacityArrives) {
  HandOver(10 * (HandoverRing::kCapacity + 1), HandoverRing::kCapacity + 1);
}

}  // namespace
}  // namespace poolscope::bench
