#include "poolscope/allocator/pool/size_classes.h"

#include <cstddef>

#include "gtest/gtest.h"

namespace poolscope {
namespace pool_internal {
namespace {

constexpr size_t kPage = 8192;
constexpr size_t kMiB = size_t{1} << 20;

size_t SizeOf(int index) { return kRunClasses.size[index]; }

size_t Normalize(size_t size) { return SizeOf(kRunClasses.ClassFor(size)); }
size_t Normalize(size_t size, size_t alignment) {
  return SizeOf(kRunClasses.AlignedClassFor(size, alignment));
}

TEST(SizeClassesTest, StartsWithJemallocsSeries) {
  const size_t kExpected[] = {16,  32,  48,  64,  80,  96,  112, 128, 160,
                              192, 224, 256, 320, 384, 448, 512, 640, 768};
  int index = 0;
  for (size_t size : kExpected) EXPECT_EQ(SizeOf(index++), size);
  EXPECT_EQ(SizeOf(kMaxSizeClasses - 1), size_t{1} << 30);
}

TEST(SizeClassesTest, TableHoldsTheSeries) {
  for (int i = 0; i < kMaxSizeClasses; ++i) {
    ASSERT_EQ(kRunClasses.size[i], SizeOf(i)) << i;
    if (i > 0) {
      ASSERT_LT(SizeOf(i - 1), SizeOf(i)) << i;
    }
  }
}

TEST(SizeClassesTest, NormalizesAsNettyDoes) {
  EXPECT_EQ(Normalize(0), 16u);
  EXPECT_EQ(Normalize(15), 16u);
  EXPECT_EQ(Normalize(510), 512u);
  EXPECT_EQ(Normalize(1024), 1024u);
  EXPECT_EQ(Normalize(1023), 1024u);
  EXPECT_EQ(Normalize(1025), 1280u);
  EXPECT_EQ(Normalize(28673), 32768u);
}

TEST(BuddyClassesTest, NormalizesAsNettyDidBefore4_1_52) {
  const auto normalize = [](size_t size) {
    return kBuddyClasses.size[kBuddyClasses.ClassFor(size)];
  };
  EXPECT_EQ(normalize(0), 16u) << "zero bytes are the smallest class";
  EXPECT_EQ(normalize(15), 16u);
  EXPECT_EQ(normalize(510), 512u);
  EXPECT_EQ(normalize(1024), 1024u);
  EXPECT_EQ(normalize(1023), 1024u);
  EXPECT_EQ(normalize(1025), 2048u);
}

TEST(BuddyClassesTest, SixteensBelow512ThenPowersOfTwo) {
  int index = 0;
  for (size_t size = 16; size < 512; size += 16) {
    ASSERT_EQ(kBuddyClasses.size[index++], size);
  }
  for (size_t size = 512; size <= size_t{1} << 30; size *= 2) {
    ASSERT_EQ(kBuddyClasses.size[index++], size);
  }
  EXPECT_EQ(kBuddyClasses.count, index);
}

TEST(BuddyClassesTest, EverySizeUpToAChunkGetsTheSmallestClassThatFits) {
  int index = 0;
  for (size_t size = 1; size <= 16 * kMiB; ++size) {
    if (size > kBuddyClasses.size[index]) ++index;
    ASSERT_EQ(kBuddyClasses.ClassFor(size), index) << size;
  }
  for (int i = index; i + 1 < kBuddyClasses.count; ++i) {
    ASSERT_EQ(kBuddyClasses.ClassFor(kBuddyClasses.size[i]), i);
    ASSERT_EQ(kBuddyClasses.ClassFor(kBuddyClasses.size[i] + 1), i + 1);
  }
}

TEST(BuddyClassesTest, RunsArePowersOfTwoOfPagesAndSlabsOnePage) {
  for (size_t page : {4096, 8192, 65536, 1 << 20}) {
    for (size_t chunk = page; chunk <= 512 * page; chunk *= 8) {
      const ClassLayout layout(page, chunk, ChunkLayout::kBuddy);
      EXPECT_EQ(layout.size(layout.count() - 1), chunk);
      for (int i = 0; i < layout.count(); ++i) {
        const size_t size = layout.size(i);
        const uint32_t pages = layout.run_pages(i);
        ASSERT_EQ(pages & (pages - 1), 0u) << size;
        ASSERT_EQ(layout.is_slab(i), size < page) << size;
        ASSERT_EQ(layout.is_small(i), size < page) << size;
        if (size >= page) {
          ASSERT_EQ(pages * page, size);
          continue;
        }
        ASSERT_EQ(pages, 1u) << size;
        ASSERT_LE(layout.run_elements(i) * size, page);
        ASSERT_TRUE(layout.run_elements(i) == kMaxSlabElements ||
                    page - layout.run_elements(i) * size < size)
            << size;
      }
    }
  }
}

TEST(SizeClassesTest, NormalizesWithAlignmentAsNettyDoes) {
  EXPECT_EQ(Normalize(0, 64), 64u);
  EXPECT_EQ(Normalize(15, 64), 64u);
  EXPECT_EQ(Normalize(510, 64), 512u);
  EXPECT_EQ(Normalize(1024, 64), 1024u);
  EXPECT_EQ(Normalize(1023, 64), 1024u);
  EXPECT_EQ(Normalize(1025, 64), 1280u);
}

TEST(SizeClassesTest, AlignedClassIsTheSmallestMultipleThatFits) {
  for (size_t alignment = 16; alignment <= kPage; alignment *= 2) {
    for (size_t size = 0; size <= 4 * kPage; size += 13) {
      const size_t got = Normalize(size, alignment);
      size_t wanted = 0;
      for (int i = 0; wanted == 0; ++i) {
        if (SizeOf(i) >= size && SizeOf(i) % alignment == 0) {
          wanted = SizeOf(i);
        }
      }
      ASSERT_EQ(got, wanted) << size << " aligned to " << alignment;
    }
  }
}

// Netty's test: class(i - 1) < s <= class(i), for every size there is.
TEST(SizeClassesTest, EverySizeUpToA16MiBChunkGetsTheSmallestClassThatFits) {
  int index = 0;
  for (size_t size = 1; size <= 16 * kMiB; ++size) {
    if (size > SizeOf(index)) ++index;
    ASSERT_EQ(kRunClasses.ClassFor(size), index) << size;
  }
  EXPECT_EQ(kRunClasses.ClassFor(0), 0);
}

TEST(SizeClassesTest, BoundariesUpToOneGigabyte) {
  for (int i = 0; i < kMaxSizeClasses; ++i) {
    ASSERT_EQ(kRunClasses.ClassFor(SizeOf(i) - 1), i);
    ASSERT_EQ(kRunClasses.ClassFor(SizeOf(i)), i);
    if (i + 1 < kMaxSizeClasses) {
      ASSERT_EQ(kRunClasses.ClassFor(SizeOf(i) + 1), i + 1);
    }
  }
}

TEST(SizeClassesTest, WastesAtMostAFifthAbove64Bytes) {
  for (int i = 4; i < kMaxSizeClasses; ++i) {
    const size_t worst = SizeOf(i - 1) + 1;
    ASSERT_LE(5 * (SizeOf(i) - worst), SizeOf(i)) << SizeOf(i);
  }
}

TEST(ClassLayoutTest, CountsNettysClasses) {
  const ClassLayout four(kPage, 4 * kMiB);
  EXPECT_EQ(four.count(), 68);
  EXPECT_EQ(four.small_count(), 39);
  EXPECT_EQ(SizeOf(four.small_count() - 1), 28672u);
  EXPECT_EQ(SizeOf(four.count() - 1), 4 * kMiB);
  const ClassLayout sixteen(kPage, 16 * kMiB);
  EXPECT_EQ(sixteen.count(), 76);
  EXPECT_EQ(sixteen.small_count(), 39);
}

TEST(ClassLayoutTest, SmallEndsBelowFourPages) {
  for (size_t page : {4096, 8192, 65536}) {
    const ClassLayout layout(page, 512 * page);
    for (int i = 0; i < layout.count(); ++i) {
      ASSERT_EQ(layout.is_small(i), SizeOf(i) < 4 * page) << SizeOf(i);
    }
  }
}

TEST(ClassLayoutTest, SlabsHaveNoTailWaste) {
  const ClassLayout layout(kPage, 4 * kMiB);
  int slabs = 0;
  for (int i = 0; i < layout.count(); ++i) {
    if (SizeOf(i) >= kPage) {
      ASSERT_FALSE(layout.is_slab(i)) << SizeOf(i);
      continue;
    }
    ++slabs;
    ASSERT_TRUE(layout.is_slab(i)) << SizeOf(i);
    ASSERT_EQ(layout.run_pages(i) * kPage, layout.run_elements(i) * SizeOf(i))
        << SizeOf(i);
    ASSERT_LE(layout.run_elements(i), static_cast<uint32_t>(kMaxSlabElements));
  }
  EXPECT_EQ(slabs, 31);  // 16 B to 7168 B
  // Netty's worked example.
  const int eighty = kRunClasses.ClassFor(80);
  EXPECT_EQ(layout.run_pages(eighty), 5u);
  EXPECT_EQ(layout.run_elements(eighty), 512u);
}

TEST(ClassLayoutTest, BlocksOfAPageOrMoreAreRunsOfTheirOwn) {
  const ClassLayout layout(kPage, 4 * kMiB);
  for (int i = 0; i < layout.count(); ++i) {
    if (SizeOf(i) < kPage) continue;
    ASSERT_EQ(layout.run_elements(i), 1u) << SizeOf(i);
    ASSERT_EQ(layout.run_pages(i), (SizeOf(i) + kPage - 1) / kPage);
  }
}

TEST(ClassLayoutTest, SlabsStepBackFromMoreElementsThanABitmapHolds) {
  const ClassLayout layout(2 * kPage, 4 * kMiB);
  // Of 48 bytes a page holds 341, two 682, and a bitmap 512.
  EXPECT_EQ(layout.run_pages(kRunClasses.ClassFor(48)), 1u);
  EXPECT_EQ(layout.run_elements(kRunClasses.ClassFor(48)), 341u);
}

TEST(ClassLayoutTest, SlabsFitAChunkOfOnePage) {
  const ClassLayout layout(kPage, kPage);
  EXPECT_EQ(SizeOf(layout.count() - 1), kPage);
  for (int i = 0; i < layout.count(); ++i) {
    ASSERT_EQ(layout.run_pages(i), 1u) << SizeOf(i);
    ASSERT_GE(layout.run_elements(i), 1u) << SizeOf(i);
    ASSERT_LE(layout.run_elements(i) * SizeOf(i), kPage) << SizeOf(i);
  }
}

}  // namespace
}  // namespace pool_internal
}  // namespace poolscope
