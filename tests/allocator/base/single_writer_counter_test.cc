#include "poolscope/allocator/base/single_writer_counter.h"

#include <atomic>
#include <cstdint>
#include <thread>

#include "gtest/gtest.h"

namespace poolscope {
namespace {

TEST(SingleWriterCounterTest, StartsAtZeroAndAdds) {
  SingleWriterCounter counter;
  EXPECT_EQ(counter.Value(), 0u);
  counter.Add(1);
  counter.Add(41);
  EXPECT_EQ(counter.Value(), 42u);
  EXPECT_EQ(counter.OwnValue(), 42u);
}

TEST(SingleWriterCounterTest, HoldsMoreThanFourGigabytes) {
  SingleWriterCounter counter;
  counter.Add(uint64_t{1} << 40);
  counter.Add(1);
  EXPECT_EQ(counter.Value(), (uint64_t{1} << 40) + 1);
}

TEST(SingleWriterCounterTest, ReaderOfFreesThenAllocationsSeesNoMoreFrees) {
  constexpr uint64_t kPairs = 200000;
  SingleWriterCounter allocations;
  SingleWriterCounter frees;
  std::atomic<bool> reading{false};
  std::thread writer([&] {
    while (!reading.load()) std::this_thread::yield();
    for (uint64_t i = 0; i < kPairs; ++i) {
      allocations.Add(1);
      frees.Add(1);
    }
  });
  uint64_t last = 0;
  uint64_t freed = 0;
  while (freed < kPairs) {
    freed = frees.Value();
    const uint64_t allocated = allocations.Value();
    ASSERT_LE(freed, allocated);
    ASSERT_GE(freed, last);
    last = freed;
    reading.store(true);
  }
  writer.join();
  EXPECT_EQ(allocations.Value(), kPairs);
}

}  // namespace
}  // namespace poolscope
