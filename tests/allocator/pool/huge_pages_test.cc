// Which mappings ask for transparent huge pages, and what touching a byte costs
// in each, as the kernel tells in /proc/self/smaps.
#include <cinttypes>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

#include "gtest/gtest.h"
#include "poolscope/allocator/pool/pool_options.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/tests/allocator/pool/both_layouts.h"
#include "poolscope/tests/allocator/pool/test_pool.h"

namespace poolscope {
namespace {

constexpr size_t kKiB = size_t{1} << 10;
constexpr size_t kMiB = size_t{1} << 20;
constexpr size_t kChunk = 4 * kMiB;

// The mapping that an address lies in.
struct Mapping {
  size_t bytes = 0;
  size_t resident_bytes = 0;
  bool asks_for_huge_pages = false;
  bool refuses_huge_pages = false;
};

Mapping MappingOf(const void* pointer) {
  const uintptr_t address = reinterpret_cast<uintptr_t>(pointer);
  std::ifstream smaps("/proc/self/smaps");
  Mapping mapping;
  bool inside = false;
  for (std::string line; std::getline(smaps, line);) {
    uintptr_t begin;
    uintptr_t end;
    if (std::sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR " ", &begin, &end) ==
        2) {
      inside = begin <= address && address < end;
      if (inside) mapping.bytes = end - begin;
      continue;
    }
    if (!inside) continue;
    std::istringstream words(line);
    std::string word;
    words >> word;
    if (word == "Rss:") {
      words >> mapping.resident_bytes;
      mapping.resident_bytes *= kKiB;
    } else if (word == "VmFlags:") {
      while (words >> word) {
        if (word == "hg") mapping.asks_for_huge_pages = true;
        if (word == "nh") mapping.refuses_huge_pages = true;
      }
    }
  }
  EXPECT_GT(mapping.bytes, 0u) << "no mapping at " << pointer;
  return mapping;
}

// A kernel without transparent huge pages has no such flags.
bool KernelHasHugePages() {
  return std::ifstream("/sys/kernel/mm/transparent_hugepage/enabled").good();
}

class HugePagesTest : public testing::TestWithParam<ChunkLayout> {
 protected:
  void SetUp() override {
    if (!KernelHasHugePages()) GTEST_SKIP() << "no transparent huge pages here";
  }
};
INSTANTIATE_TEST_SUITE_P(Layouts, HugePagesTest, BothLayouts(), LayoutTestName);

TEST_P(HugePagesTest, HugeBlocksAskForThemAndChunksRefuseThem) {
  TestPool pool(Quiet(GetParam()));
  void* pooled = pool->Allocate(kChunk);
  void* huge = pool->Allocate(kChunk + 1);
  EXPECT_TRUE(MappingOf(pooled).refuses_huge_pages);
  EXPECT_FALSE(MappingOf(pooled).asks_for_huge_pages);
  EXPECT_TRUE(MappingOf(huge).asks_for_huge_pages);
  EXPECT_FALSE(MappingOf(huge).refuses_huge_pages);
  pool->Free(huge);
  pool->Free(pooled);
}

TEST_P(HugePagesTest, LargeChunksRefuseThemToo) {
  PoolOptions options = Quiet(GetParam());
  options.max_order = 12;  // 32 MiB
  TestPool pool(options);
  void* pooled = pool->Allocate(8 * kMiB);
  EXPECT_TRUE(MappingOf(pooled).refuses_huge_pages);
  pool->Free(pooled);
}

TEST_P(HugePagesTest, HugeBlocksRefuseThemWhereTheOptionSaysSo) {
  PoolOptions options = Quiet(GetParam());
  options.huge_pages = false;
  TestPool pool(options);
  char* huge = static_cast<char*>(pool->Allocate(2 * kChunk));
  EXPECT_TRUE(MappingOf(huge).refuses_huge_pages);
  // The kernel may have joined it to a neighbour that refuses them too.
  const size_t before = MappingOf(huge).resident_bytes;
  huge[0] = 1;
  EXPECT_EQ(MappingOf(huge).resident_bytes, before + 4 * kKiB);
  pool->Free(huge);
}

TEST_P(HugePagesTest, AByteCostsAtMostTheTwoMebibytesAroundIt) {
  TestPool pool(Quiet(GetParam()));
  // Two huge pages and, behind them, less than one.
  char* huge = static_cast<char*>(pool->Allocate(kChunk + 12 * kKiB));
  ASSERT_EQ(MappingOf(huge).bytes, kChunk + 12 * kKiB);
  EXPECT_EQ(MappingOf(huge).resident_bytes, 0u);
  // None reaches beyond the end.
  huge[kChunk] = 1;
  EXPECT_EQ(MappingOf(huge).resident_bytes, 4 * kKiB);
  huge[1] = 1;
  const size_t resident = MappingOf(huge).resident_bytes - 4 * kKiB;
  // Less where the machine has no huge page left, or gives none.
  EXPECT_GE(resident, 4 * kKiB);
  EXPECT_LE(resident, 2 * kMiB);
  huge[2 * kMiB - 1] = 1;
  EXPECT_LE(MappingOf(huge).resident_bytes, 2 * kMiB + 4 * kKiB);
  pool->Free(huge);
}

}  // namespace
}  // namespace poolscope
