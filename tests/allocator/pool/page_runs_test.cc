#include "poolscope/allocator/pool/page_runs.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace poolscope {
namespace pool_internal {
namespace {

constexpr int64_t kNone = PageLayout::kNone;

class PageRunsTest : public testing::Test {
 protected:
  static constexpr uint32_t kPages = 512;

  std::vector<uint64_t> bits_ =
      std::vector<uint64_t>(PageRuns::BitsBytes(kPages) / sizeof(uint64_t));
  PageRuns runs_{kPages, bits_.data()};
};

TEST_F(PageRunsTest, StartsFreeAndClean) {
  EXPECT_EQ(runs_.free_pages(), kPages);
  EXPECT_EQ(runs_.longest_free_bound(), kPages);
  EXPECT_EQ(runs_.NextDirty(0).pages, 0u);
  for (uint32_t page = 0; page < kPages; ++page) {
    ASSERT_TRUE(runs_.IsFree(page)) << page;
  }
}

// Netty's: runs of 4, 5 and 6 pages; the last two freed, 10 pages come from
// offset 4; all freed, 20 come from offset 0.
TEST_F(PageRunsTest, FreedNeighboursServeALongerRun) {
  EXPECT_EQ(runs_.AllocateRun(4, 1), 0);
  EXPECT_EQ(runs_.AllocateRun(5, 1), 4);
  EXPECT_EQ(runs_.AllocateRun(6, 1), 9);
  runs_.FreeRun(4, 5);
  runs_.FreeRun(9, 6);
  EXPECT_EQ(runs_.AllocateRun(10, 1), 4);
  runs_.FreeRun(0, 4);
  runs_.FreeRun(4, 10);
  EXPECT_EQ(runs_.AllocateRun(20, 1), 0);
}

// Netty's: ten runs of 5, five of them freed, allocated again lowest first.
TEST_F(PageRunsTest, EqualHolesAreUsedLowestOffsetFirst) {
  for (int i = 0; i < 10; ++i) ASSERT_EQ(runs_.AllocateRun(5, 1), 5 * i);
  for (uint32_t offset : {20, 5, 0, 15, 10}) runs_.FreeRun(offset, 5);
  // One hole of 25 by now, and the rest of the chunk; the hole is shorter.
  for (int i = 0; i < 5; ++i) EXPECT_EQ(runs_.AllocateRun(5, 1), 5 * i);
}

TEST_F(PageRunsTest, SeparateEqualHolesAreUsedLowestOffsetFirst) {
  for (int i = 0; i < 10; ++i) ASSERT_EQ(runs_.AllocateRun(5, 1), 5 * i);
  for (uint32_t offset : {40, 20, 0, 30, 10}) runs_.FreeRun(offset, 5);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(runs_.AllocateRun(5, 1), 10 * i);
}

TEST_F(PageRunsTest, ShortestHoleThatFitsIsUsed) {
  ASSERT_EQ(runs_.AllocateRun(8, 1), 0);
  ASSERT_EQ(runs_.AllocateRun(1, 1), 8);
  ASSERT_EQ(runs_.AllocateRun(3, 1), 9);
  ASSERT_EQ(runs_.AllocateRun(1, 1), 12);
  runs_.FreeRun(0, 8);
  runs_.FreeRun(9, 3);
  EXPECT_EQ(runs_.AllocateRun(2, 1), 9);   // holes of 8, 3 and the rest
  EXPECT_EQ(runs_.AllocateRun(2, 1), 0);   // holes of 8, 1 and the rest
  EXPECT_EQ(runs_.AllocateRun(1, 1), 11);  // the hole of one page
  EXPECT_EQ(runs_.AllocateRun(7, 1), 13);  // six pages are left below
}

TEST_F(PageRunsTest, FreeingBetweenTwoRunsCoalesces) {
  ASSERT_EQ(runs_.AllocateRun(10, 1), 0);
  ASSERT_EQ(runs_.AllocateRun(20, 1), 10);
  ASSERT_EQ(runs_.AllocateRun(30, 1), 30);
  ASSERT_EQ(runs_.AllocateRun(kPages - 60, 1), 60);
  EXPECT_EQ(runs_.AllocateRun(1, 1), kNone);
  runs_.FreeRun(0, 10);
  runs_.FreeRun(30, 30);
  EXPECT_EQ(runs_.AllocateRun(31, 1), kNone);
  runs_.FreeRun(10, 20);
  EXPECT_GE(runs_.longest_free_bound(), 60u);
  EXPECT_EQ(runs_.AllocateRun(60, 1), 0);
}

TEST_F(PageRunsTest, WholeChunkAndOnePageMore) {
  EXPECT_EQ(runs_.AllocateRun(kPages + 1, 1), kNone);
  EXPECT_EQ(runs_.AllocateRun(kPages, 1), 0);
  EXPECT_EQ(runs_.free_pages(), 0u);
  EXPECT_EQ(runs_.AllocateRun(1, 1), kNone);
  runs_.FreeRun(0, kPages);
  EXPECT_EQ(runs_.AllocateRun(kPages - 1, 1), 0);
  EXPECT_EQ(runs_.AllocateRun(1, 1), kPages - 1);
}

TEST_F(PageRunsTest, AlignedRunsStartAtMultiples) {
  ASSERT_EQ(runs_.AllocateRun(1, 1), 0);
  EXPECT_EQ(runs_.AllocateRun(4, 64), 64);
  EXPECT_EQ(runs_.AllocateRun(4, 2), 2);
  EXPECT_EQ(runs_.AllocateRun(1, 256), 256);
  // 512 pages have no other multiple of 256.
  EXPECT_EQ(runs_.AllocateRun(1, 256), kNone);
  EXPECT_EQ(runs_.AllocateRun(1, 512), kNone);
  // What alignment refused is still there for others.
  EXPECT_EQ(runs_.AllocateRun(200, 1), 257);
}

TEST_F(PageRunsTest, AlignmentMayNeedMoreThanTheHoleHas) {
  ASSERT_EQ(runs_.AllocateRun(3, 1), 0);
  ASSERT_EQ(runs_.AllocateRun(6, 1), 3);
  ASSERT_EQ(runs_.AllocateRun(kPages - 9, 1), 9);
  runs_.FreeRun(3, 6);
  // [3, 9) holds four pages at a multiple of 4, five it does not.
  EXPECT_EQ(runs_.AllocateRun(6, 4), kNone);
  EXPECT_EQ(runs_.AllocateRun(5, 4), 4);
}

TEST_F(PageRunsTest, FreedPagesAreDirtyUntilMarkedClean) {
  ASSERT_EQ(runs_.AllocateRun(10, 1), 0);
  ASSERT_EQ(runs_.AllocateRun(10, 1), 10);
  EXPECT_EQ(runs_.NextDirty(0).pages, 0u) << "in use is not free";
  runs_.FreeRun(10, 10);
  PageRun dirty = runs_.NextDirty(0);
  EXPECT_EQ(dirty.offset, 10u);
  EXPECT_EQ(dirty.pages, 10u) << "the pages above were never handed out";
  EXPECT_EQ(runs_.NextDirty(20).pages, 0u);
  runs_.MarkClean(dirty);
  EXPECT_EQ(runs_.NextDirty(0).pages, 0u);
  runs_.FreeRun(0, 10);
  dirty = runs_.NextDirty(0);
  EXPECT_EQ(dirty.offset, 0u);
  EXPECT_EQ(dirty.pages, 10u);
}

TEST_F(PageRunsTest, DirtyPagesThatAreHandedOutAgainAreNotPurged) {
  ASSERT_EQ(runs_.AllocateRun(10, 1), 0);
  runs_.FreeRun(0, 10);
  ASSERT_EQ(runs_.AllocateRun(4, 1), 0);
  const PageRun dirty = runs_.NextDirty(0);
  EXPECT_EQ(dirty.offset, 4u);
  EXPECT_EQ(dirty.pages, 6u);
  const PageRun later = runs_.NextDirty(7);
  EXPECT_EQ(later.offset, 7u);
  EXPECT_EQ(later.pages, 3u);
}

TEST(PageRunsSizeTest, OddNumbersOfPagesKeepTheirBounds) {
  for (uint32_t pages : {1, 2, 63, 64, 65, 127, 128, 129}) {
    std::vector<uint64_t> bits(PageRuns::BitsBytes(pages) / sizeof(uint64_t));
    PageRuns runs(pages, bits.data());
    ASSERT_EQ(runs.AllocateRun(pages + 1, 1), kNone) << pages;
    ASSERT_EQ(runs.AllocateRun(pages, 1), 0) << pages;
    ASSERT_EQ(runs.AllocateRun(1, 1), kNone) << pages;
    runs.FreeRun(0, pages);
    ASSERT_EQ(runs.NextDirty(0).pages, pages);
    for (uint32_t i = 0; i < pages; ++i) ASSERT_EQ(runs.AllocateRun(1, 1), i);
    ASSERT_EQ(runs.AllocateRun(1, 1), kNone) << pages;
  }
}

// What PageRuns promises, page by page.
class NaivePages {
 public:
  explicit NaivePages(uint32_t pages) : free_(pages, true), dirty_(pages) {}

  int64_t Allocate(uint32_t pages, uint32_t alignment) {
    int64_t best = kNone;
    uint32_t best_length = 0;
    for (const auto& [start, length] : FreeRuns()) {
      const uint32_t at = (start + alignment - 1) / alignment * alignment;
      if (at + pages > start + length) continue;
      if (best != kNone && length >= best_length) continue;
      best = at;
      best_length = length;
    }
    if (best != kNone) Set(best, pages, false);
    return best;
  }
  void Free(uint32_t offset, uint32_t pages) {
    Set(offset, pages, true);
    for (uint32_t i = 0; i < pages; ++i) dirty_[offset + i] = true;
  }
  std::map<uint32_t, uint32_t> FreeRuns() const {
    std::map<uint32_t, uint32_t> runs;
    for (uint32_t i = 0; i < free_.size(); ++i) {
      if (!free_[i]) continue;
      const uint32_t start = i;
      while (i < free_.size() && free_[i]) ++i;
      runs[start] = i - start;
    }
    return runs;
  }
  bool free(uint32_t page) const { return free_[page]; }
  bool dirty(uint32_t page) const { return free_[page] && dirty_[page]; }
  void Clean(uint32_t page) { dirty_[page] = false; }

 private:
  void Set(uint32_t offset, uint32_t pages, bool value) {
    for (uint32_t i = 0; i < pages; ++i) free_[offset + i] = value;
  }
  std::vector<bool> free_;
  std::vector<bool> dirty_;
};

TEST(PageRunsTraceTest, AgreesWithANaiveModelOverRandomTraces) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    const uint32_t pages = 1 + random() % 300;
    std::vector<uint64_t> bits(PageRuns::BitsBytes(pages) / sizeof(uint64_t));
    PageRuns runs(pages, bits.data());
    NaivePages model(pages);
    std::vector<PageRun> live;
    for (int step = 0; step < 2000; ++step) {
      const uint32_t action = random() % 100;
      if (action < 55) {
        const uint32_t want = 1 + random() % (1 + random() % 40);
        const uint32_t alignment = random() % 4 == 0 ? 1u << random() % 6 : 1;
        const int64_t expected = model.Allocate(want, alignment);
        ASSERT_EQ(runs.AllocateRun(want, alignment), expected)
            << "seed " << seed << " step " << step;
        if (expected != kNone) {
          live.push_back(PageRun{static_cast<uint32_t>(expected), want});
        }
      } else if (action < 98) {
        if (live.empty()) continue;
        const size_t victim = random() % live.size();
        runs.FreeRun(live[victim].offset, live[victim].pages);
        model.Free(live[victim].offset, live[victim].pages);
        live[victim] = live.back();
        live.pop_back();
      } else {
        const PageRun dirty = runs.NextDirty(0);
        runs.MarkClean(dirty);
        for (uint32_t i = 0; i < dirty.pages; ++i) {
          ASSERT_TRUE(model.dirty(dirty.offset + i));
          model.Clean(dirty.offset + i);
        }
      }
      uint32_t longest = 0;
      uint32_t free = 0;
      for (const auto& [start, length] : model.FreeRuns()) {
        longest = std::max(longest, length);
        free += length;
      }
      ASSERT_EQ(runs.free_pages(), free);
      ASSERT_GE(runs.longest_free_bound(), longest);
      uint32_t at = 0;
      for (uint32_t page = 0; page < pages; ++page) {
        ASSERT_EQ(runs.IsFree(page), model.free(page)) << page;
        if (page < at || !model.dirty(page)) continue;
        const PageRun dirty = runs.NextDirty(page);
        ASSERT_EQ(dirty.offset, page) << "seed " << seed << " step " << step;
        at = dirty.offset + dirty.pages;
        for (uint32_t i = page; i < at; ++i) ASSERT_TRUE(model.dirty(i)) << i;
      }
    }
  }
}

using PageRunsDeathTest = PageRunsTest;

TEST_F(PageRunsDeathTest, FreeingAFreeRunDies) {
  ASSERT_EQ(runs_.AllocateRun(4, 1), 0);
  runs_.FreeRun(0, 4);
  EXPECT_DEATH(runs_.FreeRun(0, 4), "page run \\[0, \\+4\\) returned");
}

TEST_F(PageRunsDeathTest, FreeingPartlyFreePagesDies) {
  ASSERT_EQ(runs_.AllocateRun(4, 1), 0);
  EXPECT_DEATH(runs_.FreeRun(2, 3), "has part of it free");
}

TEST_F(PageRunsDeathTest, FreeingBeyondTheEndDies) {
  ASSERT_EQ(runs_.AllocateRun(kPages, 1), 0);
  EXPECT_DEATH(runs_.FreeRun(kPages - 1, 2), "page run");
}

}  // namespace
}  // namespace pool_internal
}  // namespace poolscope
