// Which mappings ask for transparent huge pages, what the kernel made of it, as
// it tells in /proc/self/smaps, and what touching a byte costs in each. A
// kernel without huge pages, or one told to give none, serves the same blocks.
#include <sys/mman.h>
#include <sys/prctl.h>

#include <algorithm>
#include <cinttypes>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "poolscope/allocator/pool/memory_source.h"
#include "poolscope/allocator/pool/pool_options.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/tests/allocator/pool/both_layouts.h"
#include "poolscope/tests/allocator/pool/test_pool.h"

namespace poolscope {
namespace {

using Use = MemorySource::Use;

constexpr size_t kKiB = size_t{1} << 10;
constexpr size_t kMiB = size_t{1} << 20;
constexpr size_t kChunk = 4 * kMiB;
constexpr size_t kSystemPage = 4 * kKiB;

// What the kernel has noted of the mapping that an address lies in.
struct Advice {
  bool asks_for_huge_pages = false;
  bool refuses_huge_pages = false;
};

Advice AdviceFor(const void* pointer) {
  const uintptr_t address = reinterpret_cast<uintptr_t>(pointer);
  std::ifstream smaps("/proc/self/smaps");
  Advice advice;
  bool found = false;
  bool inside = false;
  for (std::string line; std::getline(smaps, line);) {
    uintptr_t begin;
    uintptr_t end;
    if (std::sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR " ", &begin, &end) ==
        2) {
      inside = begin <= address && address < end;
      found = found || inside;
      continue;
    }
    std::istringstream words(line);
    std::string word;
    words >> word;
    if (!inside || word != "VmFlags:") continue;
    while (words >> word) {
      if (word == "hg") advice.asks_for_huge_pages = true;
      if (word == "nh") advice.refuses_huge_pages = true;
    }
  }
  EXPECT_TRUE(found) << "no mapping at " << pointer;
  return advice;
}

// A kernel without transparent huge pages takes no advice.
bool KernelHasHugePages() {
  return std::ifstream("/sys/kernel/mm/transparent_hugepage/enabled").good();
}

void ExpectAskedFor(const TestPool& pool, const void* block) {
  EXPECT_EQ(pool.source.UseOf(block), Use::kHugeBlocks);
  EXPECT_EQ(AdviceFor(block).asks_for_huge_pages, KernelHasHugePages());
  EXPECT_FALSE(AdviceFor(block).refuses_huge_pages);
}

void ExpectRefused(const TestPool& pool, const void* block) {
  EXPECT_EQ(pool.source.UseOf(block), Use::kBlocks);
  EXPECT_EQ(AdviceFor(block).refuses_huge_pages, KernelHasHugePages());
  EXPECT_FALSE(AdviceFor(block).asks_for_huge_pages);
}

// Of the `bytes` at a mapping's beginning.
size_t ResidentBytes(void* base, size_t bytes) {
  std::vector<unsigned char> pages(bytes / kSystemPage);
  EXPECT_EQ(mincore(base, bytes, pages.data()), 0);
  return kSystemPage *
         std::count_if(pages.begin(), pages.end(),
                       [](unsigned char page) { return (page & 1) != 0; });
}

// Every byte of a new huge block reads as zero and keeps what is written.
void ExpectWhole(char* block, size_t bytes) {
  EXPECT_EQ(std::count(block, block + bytes, 0), bytes);
  std::memset(block, 0x5a, bytes);
  EXPECT_EQ(std::count(block, block + bytes, 0x5a), bytes);
}

// While it lives, the kernel gives this process no transparent huge page.
class WithoutHugePages {
 public:
  WithoutHugePages() { EXPECT_EQ(Disable(1), 0); }
  ~WithoutHugePages() { EXPECT_EQ(Disable(0), 0); }

 private:
  static int Disable(int disable) {
    return prctl(PR_SET_THP_DISABLE, disable, 0, 0, 0);
  }
};

class HugePagesTest : public testing::TestWithParam<ChunkLayout> {};
INSTANTIATE_TEST_SUITE_P(Layouts, HugePagesTest, BothLayouts(), LayoutTestName);

TEST_P(HugePagesTest, HugeBlocksAskForThemAndChunksRefuseThem) {
  TestPool pool(Quiet(GetParam()));
  void* pooled = pool->Allocate(kChunk);
  void* huge = pool->Allocate(kChunk + 1);
  ExpectRefused(pool, pooled);
  ExpectAskedFor(pool, huge);
  pool->Free(huge);
  pool->Free(pooled);
}

TEST_P(HugePagesTest, LargeChunksRefuseThemToo) {
  PoolOptions options = Quiet(GetParam());
  options.max_order = 12;  // 32 MiB
  TestPool pool(options);
  void* pooled = pool->Allocate(8 * kMiB);
  ExpectRefused(pool, pooled);
  pool->Free(pooled);
}

TEST_P(HugePagesTest, HugeBlocksRefuseThemWhereTheOptionSaysSo) {
  PoolOptions options = Quiet(GetParam());
  options.huge_pages = false;
  TestPool pool(options);
  char* huge = static_cast<char*>(pool->Allocate(2 * kChunk));
  ExpectRefused(pool, huge);
  EXPECT_EQ(ResidentBytes(huge, 2 * kChunk), 0u);
  huge[0] = 1;
  EXPECT_EQ(ResidentBytes(huge, 2 * kChunk), 4 * kKiB);
  pool->Free(huge);
}

TEST_P(HugePagesTest, AByteCostsAtMostTheTwoMebibytesAroundIt) {
  TestPool pool(Quiet(GetParam()));
  // Two huge pages and, behind them, less than one.
  constexpr size_t kBytes = kChunk + 12 * kKiB;
  char* huge = static_cast<char*>(pool->Allocate(kBytes));
  ASSERT_EQ(pool.source.live_bytes(Use::kBlocks), kBytes);
  EXPECT_EQ(ResidentBytes(huge, kBytes), 0u);
  // None reaches beyond the end.
  huge[kChunk] = 1;
  EXPECT_EQ(ResidentBytes(huge, kBytes), 4 * kKiB);
  huge[1] = 1;
  const size_t resident = ResidentBytes(huge, kBytes) - 4 * kKiB;
  // Less where the machine has no huge page left, or gives none.
  EXPECT_GE(resident, 4 * kKiB);
  EXPECT_LE(resident, 2 * kMiB);
  huge[2 * kMiB - 1] = 1;
  EXPECT_LE(ResidentBytes(huge, kBytes), 2 * kMiB + 4 * kKiB);
  pool->Free(huge);
}

TEST_P(HugePagesTest, BlocksAreWholeAndBytesCheapWhereTheSystemGivesNone) {
  const WithoutHugePages without_huge_pages;
  TestPool pool(Quiet(GetParam()));
  constexpr size_t kBytes = 2 * kChunk;
  char* huge = static_cast<char*>(pool->Allocate(kBytes));
  ASSERT_NE(huge, nullptr);
  EXPECT_EQ(pool.source.UseOf(huge), Use::kHugeBlocks);
  huge[kChunk] = 0;
  EXPECT_EQ(ResidentBytes(huge, kBytes), 4 * kKiB);
  ExpectWhole(huge, kBytes);
  EXPECT_EQ(ResidentBytes(huge, kBytes), kBytes);
  pool->Free(huge);
}

TEST_P(HugePagesTest, BlocksAreWholeWithOrWithoutThem) {
  for (const bool huge_pages : {true, false}) {
    PoolOptions options = Quiet(GetParam());
    options.huge_pages = huge_pages;
    TestPool pool(options);
    constexpr size_t kBytes = kChunk + 12 * kKiB;
    char* huge = static_cast<char*>(pool->Allocate(kBytes));
    ASSERT_NE(huge, nullptr);
    ExpectWhole(huge, kBytes);
    EXPECT_EQ(ResidentBytes(huge, kBytes), kBytes);
    pool->Free(huge);
  }
}

}  // namespace
}  // namespace poolscope
