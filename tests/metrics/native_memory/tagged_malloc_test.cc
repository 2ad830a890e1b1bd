#include "poolscope/metrics/native_memory/tagged_malloc.h"

#include <cstdint>
#include <cstring>
#include <thread>

#include "gtest/gtest.h"
#include "poolscope/metrics/native_memory/native_memory_category.h"
#include "poolscope/metrics/native_memory/native_memory_scope.h"

namespace poolscope {
namespace {

NativeMemoryCategory* Routes() {
  static NativeMemoryCategory* const routes =
      NativeMemoryCategory::Register("Routes").value();
  return routes;
}

NativeMemoryCategory* Names() {
  static NativeMemoryCategory* const names =
      NativeMemoryCategory::Register("Names").value();
  return names;
}

TEST(TaggedMallocTest, BlocksBelongToTheInnermostScope) {
  EXPECT_EQ(NativeMemoryScope::Current(), nullptr);
  void* route;
  void* name;
  void* untagged;
  {
    NativeMemoryScope routes(Routes());
    EXPECT_EQ(NativeMemoryScope::Current(), Routes());
    {
      NativeMemoryScope names(Names());
      name = TaggedMalloc(100000);
      NativeMemoryScope none(nullptr);
      untagged = TaggedMalloc(100);
    }
    EXPECT_EQ(NativeMemoryScope::Current(), Routes());
    route = TaggedMalloc(200000);
  }
  EXPECT_EQ(NativeMemoryScope::Current(), nullptr);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(route) % 16, 0u);
  std::memset(route, 1, 200000);
  EXPECT_NEAR(Routes()->Read().malloc_bytes, 200000, 4096);
  EXPECT_NEAR(Names()->Read().malloc_bytes, 100000, 4096);
  EXPECT_EQ(Names()->Read().malloc_count, 1u);
  // In another scope and on another thread: out of its own category still.
  std::thread([&] {
    EXPECT_EQ(NativeMemoryScope::Current(), nullptr);
    NativeMemoryScope routes(Routes());
    TaggedFree(name);
    TaggedFree(untagged);
  }).join();
  EXPECT_EQ(Names()->Read().malloc_bytes, 0u);
  EXPECT_NEAR(Routes()->Read().malloc_bytes, 200000, 4096);
  TaggedFree(route);
  EXPECT_EQ(Routes()->Read().malloc_bytes, 0u);
  EXPECT_EQ(Routes()->Read().malloc_count, 0u);
}

TEST(TaggedMallocTest, ZeroBytesAreABlockAndNullIsNone) {
  NativeMemoryScope scope(Routes());
  void* one = TaggedMalloc(0);
  void* other = TaggedMalloc(0);
  EXPECT_NE(one, nullptr);
  EXPECT_NE(one, other);
  TaggedFree(one);
  TaggedFree(other);
  TaggedFree(nullptr);
  EXPECT_EQ(Routes()->Read().malloc_bytes, 0u);
}

TEST(TaggedMallocTest, SizesThatOverflowAreRefused) {
  NativeMemoryScope scope(Routes());
  for (size_t below_end : {0, 1, 15}) {
    EXPECT_EQ(TaggedMalloc(SIZE_MAX - below_end), nullptr);
  }
  EXPECT_EQ(Routes()->Read().malloc_count, 0u);
}

}  // namespace
}  // namespace poolscope
