// A program that is not built to be moved, and takes the address of malloc().
#include <cstdlib>

#include "gtest/gtest.h"
#include "poolscope/metrics/process/malloc_library.h"

namespace poolscope {
namespace {

// The linker then makes a stub here, whose address is malloc()'s everywhere.
void* (*volatile const taken)(size_t) = &std::malloc;

TEST(MallocLibraryTest, FindsWhoseItIsBehindTheProgramsStub) {
  std::free(taken(1));
  EXPECT_EQ(TheMalloc().kind, MallocKind::kGlibc);
  EXPECT_NE(TheMalloc().malloc_info, nullptr);
}

}  // namespace
}  // namespace poolscope
