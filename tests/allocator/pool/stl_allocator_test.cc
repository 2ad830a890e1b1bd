#include "poolscope/allocator/pool/stl_allocator.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/tests/allocator/pool/test_pool.h"

namespace poolscope {
namespace {

template <typename T>
using Vector = std::vector<T, StlAllocator<T>>;

TEST(StlAllocatorTest, ContainersLiveInThePool) {
  TestPool pool;
  {
    using Entry = std::pair<const int, int>;
    std::map<int, int, std::less<int>, StlAllocator<Entry>> squares{
        StlAllocator<Entry>(pool.get())};
    for (int i = 0; i < 1000; ++i) squares[i] = i * i;
    EXPECT_GE(pool->Stats().pinned_bytes, 1000u * sizeof(Entry));
    EXPECT_EQ(squares[30], 900);
  }
  EXPECT_EQ(pool->Stats().pinned_bytes, 0u);
}

TEST(StlAllocatorTest, SharedPointersTakeTheirBlockFromThePool) {
  TestPool pool;
  std::shared_ptr<int> number =
      std::allocate_shared<int>(StlAllocator<int>(pool.get()), 7);
  EXPECT_EQ(*number, 7);
  EXPECT_GT(pool->Stats().pinned_bytes, 0u);
  number.reset();
  EXPECT_EQ(pool->Stats().pinned_bytes, 0u);
}

TEST(StlAllocatorTest, KeepsTheAlignmentOfTheType) {
  struct alignas(256) Line {
    char bytes[256];
  };
  TestPool pool;
  std::list<Line, StlAllocator<Line>> lines{StlAllocator<Line>(pool.get())};
  for (int i = 0; i < 100; ++i) {
    lines.emplace_back();
    ASSERT_EQ(reinterpret_cast<uintptr_t>(&lines.back()) % 256, 0u);
  }
}

TEST(StlAllocatorTest, ThrowsAtTheLimitAndWhenBytesOverflow) {
  TestPool pool;
  StlAllocator<uint64_t> allocator(pool.get());
  EXPECT_THROW(static_cast<void>(allocator.allocate(64 << 20)), std::bad_alloc);
  const size_t most = std::numeric_limits<size_t>::max() / 8;
  EXPECT_THROW(static_cast<void>(allocator.allocate(most + 1)),
               std::bad_array_new_length);
}

TEST(StlAllocatorTest, MovesWithTheContents) {
  TestPool pool;
  TestPool other;
  Vector<int> from({1, 2, 3}, StlAllocator<int>(pool.get()));
  const int* const data = from.data();
  Vector<int> to{StlAllocator<int>(other.get())};
  to = std::move(from);
  EXPECT_EQ(to.data(), data);
  EXPECT_EQ(to.get_allocator().allocator(), pool.get());
  Vector<int> copied({4}, StlAllocator<int>(other.get()));
  copied = to;
  EXPECT_EQ(copied.get_allocator().allocator(), other.get());
  EXPECT_EQ(copied, (Vector<int>({1, 2, 3}, StlAllocator<int>(pool.get()))));
}

TEST(StlAllocatorTest, SwapsWithTheContents) {
  TestPool pool;
  TestPool other;
  Vector<int> ones({1}, StlAllocator<int>(pool.get()));
  Vector<int> twos({2}, StlAllocator<int>(other.get()));
  ones.swap(twos);
  EXPECT_EQ(ones.at(0), 2);
  EXPECT_EQ(ones.get_allocator().allocator(), other.get());
  EXPECT_EQ(twos.get_allocator().allocator(), pool.get());
}

TEST(StlAllocatorTest, IsEqualToOthersOfTheSamePool) {
  TestPool pool;
  TestPool other;
  const StlAllocator<int> ints(pool.get());
  EXPECT_TRUE(ints == StlAllocator<char>(pool.get()));
  EXPECT_FALSE(ints != StlAllocator<char>(pool.get()));
  EXPECT_TRUE(ints != StlAllocator<int>(other.get()));
}

}  // namespace
}  // namespace poolscope
