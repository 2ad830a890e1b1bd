// The malloc of the test itself, which is a sanitizer's in some of its runs.

#include "poolscope/metrics/process/malloc_library.h"

#include <cstddef>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "poolscope/metrics/process/malloc_figures.h"
#include "poolscope/metrics/process/malloc_trim.h"

namespace poolscope {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

TEST(MallocLibraryTest, GlibcIsNotAskedUnderASanitizersMalloc) {
  EXPECT_EQ(TheMalloc().kind, MallocKind::kOther);
  EXPECT_EQ(TheMalloc().malloc_info, nullptr);
  const absl::StatusOr<MallocFigures> figures = ReadMallocFigures();
  ASSERT_TRUE(figures.ok()) << figures.status();
  EXPECT_FALSE(figures->in_use_bytes.has_value());
  EXPECT_FALSE(figures->mapped_bytes.has_value());
  EXPECT_FALSE(TrimMalloc());
}

#else

TEST(MallocLibraryTest, GlibcsFunctionsAreThoseOfItsMalloc) {
  EXPECT_EQ(TheMalloc().kind, MallocKind::kGlibc);
  EXPECT_NE(TheMalloc().malloc_info, nullptr);
  EXPECT_EQ(TheMalloc().mallctl, nullptr);
  const absl::StatusOr<MallocFigures> figures = ReadMallocFigures();
  ASSERT_TRUE(figures.ok()) << figures.status();
  EXPECT_GT(figures->in_use_bytes, 0u);
  EXPECT_EQ(*figures->in_use_bytes + *figures->free_bytes,
            figures->mapped_bytes);
  EXPECT_TRUE(TrimMalloc());
}

#endif

TEST(MallocLibraryTest, KindsHaveNames) {
  EXPECT_EQ(MallocKindName(MallocKind::kGlibc), "glibc");
  EXPECT_EQ(MallocKindName(MallocKind::kJemalloc), "jemalloc");
  EXPECT_EQ(MallocKindName(MallocKind::kTcmalloc), "tcmalloc");
  EXPECT_EQ(MallocKindName(MallocKind::kMimalloc), "mimalloc");
  EXPECT_EQ(MallocKindName(MallocKind::kOther), "other");
}

}  // namespace

// As if the program had jemalloc without using it as its malloc.
extern "C" __attribute__((visibility("default"))) int mallctl(const char*,
                                                              void*, size_t*,
                                                              void*, size_t) {
  ADD_FAILURE() << "malloc is not jemalloc's";
  return 1;
}

}  // namespace poolscope
