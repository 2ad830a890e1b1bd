#include "poolscope/bench/resident.h"

#include <sys/mman.h>

#include <cstring>

#include "gtest/gtest.h"

namespace poolscope::bench {
namespace {

TEST(ResidentTest, GrowsByWhatIsTouchedAndFallsByWhatIsGivenBack) {
  constexpr size_t kBytes = 32 << 20;
  const uint64_t base = ResidentBytes();
  EXPECT_GT(base, 0u);
  void* memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  EXPECT_LT(KibAbove(ResidentBytes(), base), 1024);
  std::memset(memory, 1, kBytes);
  EXPECT_GE(KibAbove(ResidentBytes(), base), kBytes / 1024);
  munmap(memory, kBytes);
  EXPECT_LT(KibAbove(ResidentBytes(), base), 1024);
}

TEST(ResidentTest, KibAboveIsNegativeBelow) {
  EXPECT_EQ(KibAbove(3072, 1024), 2);
  EXPECT_EQ(KibAbove(1024, 3072), -2);
}

}  // namespace
}  // namespace poolscope::bench
