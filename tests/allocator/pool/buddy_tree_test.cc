#include "poolscope/allocator/pool/buddy_tree.h"

#include <cstdint>
#include <random>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace poolscope {
namespace pool_internal {
namespace {

using testing::ElementsAre;

constexpr int64_t kNone = PageLayout::kNone;

class BuddyTreeTest : public testing::Test {
 protected:
  explicit BuddyTreeTest(uint32_t pages = 8)
      : memory_(BuddyTree::TableBytes(pages)), tree_(pages, memory_.data()) {}

  // The bytes of one level, left to right.
  std::vector<int> Level(int depth) const {
    std::vector<int> bytes;
    for (uint32_t node = 1u << depth; node < 2u << depth; ++node) {
      bytes.push_back(tree_.memory_map(node));
    }
    return bytes;
  }

  std::vector<uint8_t> memory_;
  BuddyTree tree_;
};

// The worked values of the slides that describe Netty's memoryMap: a tree of
// maximum order 3.

TEST_F(BuddyTreeTest, SlideEmpty) {
  EXPECT_THAT(Level(0), ElementsAre(0));
  EXPECT_THAT(Level(1), ElementsAre(1, 1));
  EXPECT_THAT(Level(2), ElementsAre(2, 2, 2, 2));
  EXPECT_THAT(Level(3), ElementsAre(3, 3, 3, 3, 3, 3, 3, 3));
}

TEST_F(BuddyTreeTest, SlideNode2Allocated) {
  ASSERT_EQ(tree_.AllocateRun(4, 1), 0);
  EXPECT_THAT(Level(0), ElementsAre(1));
  EXPECT_THAT(Level(1), ElementsAre(4, 1));
  EXPECT_THAT(Level(2), ElementsAre(2, 2, 2, 2));
  EXPECT_THAT(Level(3), ElementsAre(3, 3, 3, 3, 3, 3, 3, 3));
}

TEST_F(BuddyTreeTest, SlideNode14AllocatedThenNode2Freed) {
  ASSERT_EQ(tree_.AllocateRun(4, 1), 0);
  // Node 6 is taken for a moment, so that the page is node 14's.
  ASSERT_EQ(tree_.AllocateRun(2, 1), 4);
  ASSERT_EQ(tree_.AllocateRun(1, 1), 6);
  tree_.FreeRun(4, 2);
  EXPECT_THAT(Level(0), ElementsAre(2));
  EXPECT_THAT(Level(1), ElementsAre(4, 2));
  EXPECT_THAT(Level(2), ElementsAre(2, 2, 2, 3));
  EXPECT_THAT(Level(3), ElementsAre(3, 3, 3, 3, 3, 3, 4, 3));

  tree_.FreeRun(0, 4);
  EXPECT_THAT(Level(0), ElementsAre(1));
  EXPECT_THAT(Level(1), ElementsAre(1, 2));
  EXPECT_THAT(Level(2), ElementsAre(2, 2, 2, 3));
  EXPECT_THAT(Level(3), ElementsAre(3, 3, 3, 3, 3, 3, 4, 3));

  tree_.FreeRun(6, 1);
  EXPECT_THAT(Level(0), ElementsAre(0));
  EXPECT_THAT(Level(1), ElementsAre(1, 1));
  EXPECT_THAT(Level(2), ElementsAre(2, 2, 2, 2));
}

TEST_F(BuddyTreeTest, StartsFreeAndClean) {
  EXPECT_EQ(tree_.free_pages(), 8u);
  EXPECT_EQ(tree_.longest_free_bound(), 8u);
  EXPECT_EQ(tree_.NextDirty(0).pages, 0u);
  for (uint32_t page = 0; page < 8; ++page) ASSERT_TRUE(tree_.IsFree(page));
}

TEST_F(BuddyTreeTest, LowestFreeNodeOfTheSizeIsUsed) {
  for (int i = 0; i < 8; ++i) ASSERT_EQ(tree_.AllocateRun(1, 1), i);
  EXPECT_EQ(tree_.AllocateRun(1, 1), kNone);
  EXPECT_EQ(tree_.longest_free_bound(), 0u);
  for (uint32_t offset : {5, 2, 7, 3}) tree_.FreeRun(offset, 1);
  EXPECT_EQ(tree_.AllocateRun(4, 1), kNone);
  EXPECT_EQ(tree_.AllocateRun(2, 1), 2);
  EXPECT_EQ(tree_.AllocateRun(1, 1), 5);
  EXPECT_EQ(tree_.AllocateRun(1, 1), 7);
}

TEST_F(BuddyTreeTest, NeighboursThatAreNoBuddiesDoNotJoin) {
  for (int i = 0; i < 4; ++i) ASSERT_EQ(tree_.AllocateRun(2, 1), 2 * i);
  tree_.FreeRun(2, 2);
  tree_.FreeRun(4, 2);
  EXPECT_EQ(tree_.longest_free_bound(), 2u);
  EXPECT_EQ(tree_.AllocateRun(4, 1), kNone);
  tree_.FreeRun(0, 2);
  EXPECT_EQ(tree_.longest_free_bound(), 4u);
  EXPECT_EQ(tree_.AllocateRun(4, 1), 0);
}

TEST_F(BuddyTreeTest, WholeChunkAndMore) {
  EXPECT_EQ(tree_.AllocateRun(16, 1), kNone);
  EXPECT_EQ(tree_.AllocateRun(8, 1), 0);
  EXPECT_EQ(tree_.free_pages(), 0u);
  EXPECT_EQ(tree_.AllocateRun(1, 1), kNone);
  tree_.FreeRun(0, 8);
  EXPECT_EQ(tree_.AllocateRun(4, 1), 0);
  EXPECT_EQ(tree_.AllocateRun(8, 1), kNone);
}

TEST_F(BuddyTreeTest, AlignmentBeyondTheRunTakesTheBeginningOfALargerNode) {
  ASSERT_EQ(tree_.AllocateRun(1, 1), 0);
  EXPECT_EQ(tree_.AllocateRun(1, 4), 4);
  EXPECT_EQ(tree_.free_pages(), 6u);
  // The rest of the larger node is there for others.
  EXPECT_EQ(tree_.AllocateRun(1, 1), 1);
  EXPECT_EQ(tree_.AllocateRun(2, 2), 2);
  EXPECT_EQ(tree_.AllocateRun(2, 1), 6);
  EXPECT_EQ(tree_.AllocateRun(1, 1), 5);
  EXPECT_EQ(tree_.free_pages(), 0u);
  tree_.FreeRun(4, 1);
  EXPECT_EQ(tree_.AllocateRun(1, 16), kNone);
  EXPECT_EQ(tree_.AllocateRun(1, 1), 4);
}

TEST_F(BuddyTreeTest, FreedPagesAreDirtyUntilMarkedClean) {
  ASSERT_EQ(tree_.AllocateRun(2, 1), 0);
  ASSERT_EQ(tree_.AllocateRun(2, 1), 2);
  ASSERT_EQ(tree_.AllocateRun(2, 1), 4);
  EXPECT_EQ(tree_.NextDirty(0).pages, 0u) << "in use is not free";
  tree_.FreeRun(2, 2);
  tree_.FreeRun(4, 2);
  const PageRun dirty = tree_.NextDirty(0);
  EXPECT_EQ(dirty.offset, 2u);
  EXPECT_EQ(dirty.pages, 4u) << "across nodes, without pages never used";
  EXPECT_EQ(tree_.NextDirty(3).offset, 3u);
  EXPECT_EQ(tree_.NextDirty(3).pages, 3u);
  EXPECT_EQ(tree_.NextDirty(6).pages, 0u);
  ASSERT_EQ(tree_.AllocateRun(1, 1), 2);
  EXPECT_EQ(tree_.NextDirty(0).offset, 3u) << "handed out again";
  tree_.MarkClean(tree_.NextDirty(0));
  EXPECT_EQ(tree_.NextDirty(0).pages, 0u);
  tree_.FreeRun(2, 1);
  EXPECT_EQ(tree_.NextDirty(0).offset, 2u);
  EXPECT_EQ(tree_.NextDirty(0).pages, 1u);
}

TEST(BuddyTreeSizeTest, SmallestAndLargestChunk) {
  for (uint32_t pages : {1u, 2u, 1u << 14}) {
    std::vector<uint8_t> memory(BuddyTree::TableBytes(pages));
    BuddyTree tree(pages, memory.data());
    ASSERT_EQ(tree.AllocateRun(2 * pages, 1), kNone) << pages;
    ASSERT_EQ(tree.AllocateRun(pages, 1), 0) << pages;
    ASSERT_EQ(tree.AllocateRun(1, 1), kNone) << pages;
    tree.FreeRun(0, pages);
    ASSERT_EQ(tree.NextDirty(0).pages, pages);
    for (uint32_t i = 0; i < pages; ++i) ASSERT_EQ(tree.AllocateRun(1, 1), i);
    ASSERT_EQ(tree.AllocateRun(1, 1), kNone) << pages;
  }
}

// What BuddyTree promises, page by page: a node is free when all of its pages
// are, and the lowest free one is used.
class NaivePages {
 public:
  explicit NaivePages(uint32_t pages) : free_(pages, true), dirty_(pages) {}

  bool AllFree(uint32_t offset, uint32_t pages) const {
    for (uint32_t i = 0; i < pages; ++i) {
      if (!free_[offset + i]) return false;
    }
    return true;
  }
  int64_t Allocate(uint32_t pages, uint32_t alignment) {
    const uint32_t span = pages > alignment ? pages : alignment;
    for (uint32_t at = 0; at + span <= free_.size(); at += span) {
      if (!AllFree(at, span)) continue;
      for (uint32_t i = 0; i < pages; ++i) free_[at + i] = false;
      return at;
    }
    return kNone;
  }
  void Free(uint32_t offset, uint32_t pages) {
    for (uint32_t i = 0; i < pages; ++i) {
      free_[offset + i] = dirty_[offset + i] = true;
    }
  }
  uint32_t Longest() const {
    for (uint32_t pages = free_.size(); pages > 0; pages /= 2) {
      for (uint32_t at = 0; at < free_.size(); at += pages) {
        if (AllFree(at, pages)) return pages;
      }
    }
    return 0;
  }
  uint32_t FreePages() const {
    uint32_t count = 0;
    for (bool free : free_) count += free ? 1 : 0;
    return count;
  }
  bool free(uint32_t page) const { return free_[page]; }
  bool dirty(uint32_t page) const { return free_[page] && dirty_[page]; }
  void Clean(uint32_t page) { dirty_[page] = false; }

 private:
  std::vector<bool> free_;
  std::vector<bool> dirty_;
};

TEST(BuddyTreeTraceTest, AgreesWithANaiveModelOverRandomTraces) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    const int order = random() % 9;
    const uint32_t pages = 1u << order;
    std::vector<uint8_t> memory(BuddyTree::TableBytes(pages));
    BuddyTree tree(pages, memory.data());
    NaivePages model(pages);
    std::vector<PageRun> live;
    for (int step = 0; step < 2000; ++step) {
      const uint32_t action = random() % 100;
      if (action < 55) {
        const uint32_t want = 1u << random() % (1 + random() % (order + 2));
        const uint32_t alignment = random() % 4 == 0 ? 1u << random() % 7 : 1;
        const int64_t expected = model.Allocate(want, alignment);
        ASSERT_EQ(tree.AllocateRun(want, alignment), expected)
            << "seed " << seed << " step " << step;
        if (expected != kNone) {
          live.push_back(PageRun{static_cast<uint32_t>(expected), want});
        }
      } else if (action < 98) {
        if (live.empty()) continue;
        const size_t victim = random() % live.size();
        tree.FreeRun(live[victim].offset, live[victim].pages);
        model.Free(live[victim].offset, live[victim].pages);
        live[victim] = live.back();
        live.pop_back();
      } else {
        const PageRun dirty = tree.NextDirty(0);
        tree.MarkClean(dirty);
        for (uint32_t i = 0; i < dirty.pages; ++i) {
          ASSERT_TRUE(model.dirty(dirty.offset + i));
          model.Clean(dirty.offset + i);
        }
      }
      ASSERT_EQ(tree.free_pages(), model.FreePages());
      ASSERT_EQ(tree.longest_free_bound(), model.Longest());
      uint32_t at = 0;
      for (uint32_t page = 0; page < pages; ++page) {
        ASSERT_EQ(tree.IsFree(page), model.free(page)) << page;
        if (page < at || !model.dirty(page)) continue;
        const PageRun dirty = tree.NextDirty(page);
        ASSERT_EQ(dirty.offset, page) << "seed " << seed << " step " << step;
        at = dirty.offset + dirty.pages;
        for (uint32_t i = page; i < at; ++i) ASSERT_TRUE(model.dirty(i)) << i;
        ASSERT_TRUE(at == pages || !model.dirty(at)) << at;
      }
    }
    for (const PageRun& run : live) tree.FreeRun(run.offset, run.pages);
    for (uint32_t node = 1; node < 2 * pages; ++node) {
      int depth = 0;
      while (2u << depth <= node) ++depth;
      ASSERT_EQ(tree.memory_map(node), depth) << "node " << node;
    }
  }
}

using BuddyTreeDeathTest = BuddyTreeTest;

TEST_F(BuddyTreeDeathTest, FreeingAFreeRunDies) {
  ASSERT_EQ(tree_.AllocateRun(4, 1), 0);
  tree_.FreeRun(0, 4);
  EXPECT_DEATH(tree_.FreeRun(0, 4), "page run \\[0, \\+4\\) returned");
}

TEST_F(BuddyTreeDeathTest, FreeingAPartOfARunDies) {
  ASSERT_EQ(tree_.AllocateRun(4, 1), 0);
  EXPECT_DEATH(tree_.FreeRun(0, 2), "did not hand it out");
  EXPECT_DEATH(tree_.FreeRun(3, 1), "did not hand it out");
}

TEST_F(BuddyTreeDeathTest, FreeingTwoRunsAsOneDies) {
  ASSERT_EQ(tree_.AllocateRun(2, 1), 0);
  ASSERT_EQ(tree_.AllocateRun(2, 1), 2);
  EXPECT_DEATH(tree_.FreeRun(0, 4), "did not hand it out");
  ASSERT_EQ(tree_.AllocateRun(4, 1), 4);
  EXPECT_DEATH(tree_.FreeRun(0, 8), "did not hand it out");
}

TEST_F(BuddyTreeDeathTest, FreeingWhatIsNoNodeDies) {
  ASSERT_EQ(tree_.AllocateRun(8, 1), 0);
  EXPECT_DEATH(tree_.FreeRun(0, 3), "did not hand it out");
  EXPECT_DEATH(tree_.FreeRun(2, 4), "did not hand it out");
  EXPECT_DEATH(tree_.FreeRun(0, 0), "did not hand it out");
  EXPECT_DEATH(tree_.FreeRun(8, 1), "did not hand it out");
  EXPECT_DEATH(tree_.FreeRun(0, 16), "did not hand it out");
}

TEST_F(BuddyTreeDeathTest, AskingForNoPowerOfTwoDies) {
  EXPECT_DEATH(static_cast<void>(tree_.AllocateRun(3, 1)),
               "run of 3 pages, no power of two");
}

}  // namespace
}  // namespace pool_internal
}  // namespace poolscope
