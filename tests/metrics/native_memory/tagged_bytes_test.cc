#include "poolscope/metrics/native_memory/tagged_bytes.h"

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace poolscope {
namespace {

NativeMemoryCategoryStats Row(const char* name, uint64_t malloc_bytes,
                              uint64_t mmap_reserved, uint64_t mmap_committed,
                              uint64_t resident) {
  NativeMemoryCategoryStats row;
  row.name = name;
  row.malloc_bytes = malloc_bytes;
  row.mmap_reserved_bytes = mmap_reserved;
  row.mmap_committed_bytes = mmap_committed;
  row.resident_bytes = resident;
  return row;
}

NativeMemoryTag Tag(const char* name, uint64_t malloc_bytes,
                    uint64_t malloc_count, uint64_t reserved = 0,
                    uint64_t committed = 0, uint64_t peak = 0) {
  return {name, malloc_bytes, malloc_count, reserved, committed, peak};
}

const NativeMemoryCategoryStats& Find(const NativeMemoryStats& stats,
                                      const std::string& name) {
  for (const NativeMemoryCategoryStats& row : stats.categories) {
    if (row.name == name) return row;
  }
  ADD_FAILURE() << "no row " << name;
  return stats.categories.front();
}

MallocFigures Glibc(uint64_t main_arena_in_use, uint64_t thread_arenas_in_use) {
  MallocFigures malloc;
  malloc.kind = MallocKind::kGlibc;
  malloc.main_arena_in_use_bytes = main_arena_in_use;
  malloc.thread_arenas_in_use_bytes = thread_arenas_in_use;
  return malloc;
}

struct Sums {
  uint64_t reserved = 0;
  uint64_t committed = 0;
  uint64_t resident = 0;

  bool operator==(const Sums& other) const {
    return reserved == other.reserved && committed == other.committed &&
           resident == other.resident;
  }
};

Sums SumsOf(const NativeMemoryStats& stats) {
  Sums sums;
  for (const NativeMemoryCategoryStats& row : stats.categories) {
    sums.reserved += row.reserved_bytes();
    sums.committed += row.committed_bytes();
    sums.resident += row.resident_bytes;
  }
  return sums;
}

TEST(TaggedBytesTest, TakesMallocBytesAndTheirShareOfResidency) {
  NativeMemoryStats stats;
  stats.categories = {Row("Glibc Heap", 900, 100, 100, 500),
                      Row("Unknown", 0, 10, 10, 10)};
  MergeTags({Tag("OpenSSL", 300, 7, 0, 0, 450)}, stats);
  ASSERT_EQ(stats.categories.size(), 3u);
  EXPECT_EQ(stats.categories.back().name, "Unknown");
  const NativeMemoryCategoryStats& heap = Find(stats, "Glibc Heap");
  EXPECT_EQ(heap.malloc_bytes, 600u);
  EXPECT_EQ(heap.mmap_reserved_bytes, 100u);
  EXPECT_EQ(heap.resident_bytes, 350u);
  EXPECT_TRUE(heap.resident_is_estimate);
  const NativeMemoryCategoryStats& tagged = Find(stats, "OpenSSL");
  EXPECT_EQ(tagged.malloc_bytes, 300u);
  EXPECT_EQ(tagged.malloc_count, 7u);
  EXPECT_EQ(tagged.live_count, 7u);
  EXPECT_EQ(tagged.mmap_reserved_bytes, 0u);
  EXPECT_EQ(tagged.resident_bytes, 150u);
  EXPECT_TRUE(tagged.resident_is_estimate);
  EXPECT_EQ(tagged.peak_committed_bytes, 450u);
  EXPECT_FALSE(Find(stats, "Unknown").resident_is_estimate);
}

TEST(TaggedBytesTest, TakesFromAllRowsOfTheMallocInProportion) {
  NativeMemoryStats stats;
  stats.categories = {
      Row("Glibc Heap", 600, 0, 0, 600), Row("Code", 0, 50, 50, 50),
      Row("Glibc Thread Arenas", 300, 1000, 100, 400),
      Row("Glibc Mmapped", 100, 0, 0, 0), Row("Unknown", 0, 0, 0, 0)};
  MergeTags({Tag("Zlib", 500, 5)}, stats);
  EXPECT_EQ(Find(stats, "Glibc Heap").malloc_bytes, 300u);
  EXPECT_EQ(Find(stats, "Glibc Thread Arenas").malloc_bytes, 150u);
  EXPECT_EQ(Find(stats, "Glibc Mmapped").malloc_bytes, 50u);
  EXPECT_EQ(Find(stats, "Code").mmap_reserved_bytes, 50u);
  EXPECT_EQ(Find(stats, "Zlib").resident_bytes, 300u + 150u);
}

TEST(TaggedBytesTest, TakesCommittedBytesWhereMallocDoesNotTell) {
  for (const char* name : {"Glibc Heap", "Other Malloc"}) {
    NativeMemoryStats stats;
    stats.categories = {Row(name, 0, 2000, 1000, 500),
                        Row("Unknown", 0, 0, 0, 0)};
    MergeTags({Tag("Zlib", 300, 3)}, stats);
    EXPECT_EQ(Find(stats, "Zlib").malloc_bytes, 300u);
    EXPECT_EQ(Find(stats, "Zlib").mmap_reserved_bytes, 0u);
    EXPECT_EQ(Find(stats, "Zlib").resident_bytes, 150u);
    EXPECT_EQ(Find(stats, name).malloc_bytes, 0u);
    EXPECT_EQ(Find(stats, name).mmap_reserved_bytes, 1700u);
    EXPECT_EQ(Find(stats, name).mmap_committed_bytes, 700u);
    EXPECT_EQ(Find(stats, name).resident_bytes, 350u);
  }
}

TEST(TaggedBytesTest, WhatGlibcsArenasHaveInUseBecomesMallocBytes) {
  NativeMemoryStats stats;
  stats.categories = {
      Row("Glibc Heap", 0, 300, 300, 200), Row("Code", 0, 50, 50, 50),
      Row("Glibc Thread Arenas", 0, 1000, 100, 80),
      Row("Glibc Mmapped", 0, 100, 100, 100), Row("Unknown", 0, 10, 10, 10)};
  const Sums before = SumsOf(stats);
  // The heap is full, and the other arenas keep what was freed.
  MergeMallocInUse(Glibc(295, 5), stats);
  EXPECT_TRUE(SumsOf(stats) == before);
  EXPECT_EQ(Find(stats, "Glibc Mmapped").malloc_bytes, 100u);
  EXPECT_EQ(Find(stats, "Glibc Mmapped").mmap_reserved_bytes, 0u);
  EXPECT_EQ(Find(stats, "Glibc Heap").malloc_bytes, 295u);
  EXPECT_EQ(Find(stats, "Glibc Heap").mmap_committed_bytes, 5u);
  EXPECT_EQ(Find(stats, "Glibc Thread Arenas").malloc_bytes, 5u);
  EXPECT_EQ(Find(stats, "Glibc Thread Arenas").mmap_reserved_bytes, 995u);
  EXPECT_EQ(Find(stats, "Code").malloc_bytes, 0u);
  EXPECT_FALSE(Find(stats, "Glibc Heap").resident_is_estimate);
}

TEST(TaggedBytesTest, MallocClaimsNoMoreThanItsRowsHave) {
  for (uint64_t claim : {399, 400, 401}) {
    NativeMemoryStats stats;
    stats.categories = {Row("Glibc Heap", 0, 400, 400, 0),
                        Row("Glibc Mmapped", 0, 100, 100, 0),
                        Row("Unknown", 0, 0, 0, 0)};
    MergeMallocInUse(Glibc(claim, claim), stats);
    EXPECT_EQ(Find(stats, "Glibc Heap").malloc_bytes,
              std::min<uint64_t>(claim, 400));
    EXPECT_EQ(Find(stats, "Glibc Mmapped").malloc_bytes, 100u);
  }
}

TEST(TaggedBytesTest, OfAnotherMallocThereIsOneRow) {
  NativeMemoryStats stats;
  stats.categories = {Row("Other Malloc", 0, 500, 400, 300),
                      Row("Unknown", 0, 100, 100, 100)};
  MallocFigures malloc;
  malloc.kind = MallocKind::kMimalloc;  // which does not tell
  MergeMallocInUse(malloc, stats);
  EXPECT_EQ(Find(stats, "Other Malloc").malloc_bytes, 0u);
  malloc.kind = MallocKind::kJemalloc;
  malloc.in_use_bytes = 350;
  MergeMallocInUse(malloc, stats);
  EXPECT_EQ(Find(stats, "Other Malloc").malloc_bytes, 350u);
  EXPECT_EQ(Find(stats, "Other Malloc").mmap_committed_bytes, 50u);
  EXPECT_EQ(Find(stats, "Unknown").malloc_bytes, 0u);
}

TEST(TaggedBytesTest, TakesMappedBytesOutOfUnknown) {
  NativeMemoryStats stats;
  stats.categories = {Row("Glibc Heap", 100, 0, 0, 100),
                      Row("Unknown", 0, 1000, 400, 200)};
  MergeTags({Tag("Ring Buffers", 0, 0, 500, 100)}, stats);
  const NativeMemoryCategoryStats& ring = Find(stats, "Ring Buffers");
  EXPECT_EQ(ring.mmap_reserved_bytes, 500u);
  EXPECT_EQ(ring.mmap_committed_bytes, 100u);
  EXPECT_EQ(ring.resident_bytes, 50u);
  const NativeMemoryCategoryStats& unknown = Find(stats, "Unknown");
  EXPECT_EQ(unknown.mmap_reserved_bytes, 500u);
  EXPECT_EQ(unknown.mmap_committed_bytes, 300u);
  EXPECT_EQ(unknown.resident_bytes, 150u);
  EXPECT_FALSE(Find(stats, "Glibc Heap").resident_is_estimate);
}

TEST(TaggedBytesTest, ClaimsBeyondWhatIsThereAreCutInProportion) {
  NativeMemoryStats stats;
  stats.categories = {Row("Glibc Heap", 300, 0, 0, 300),
                      Row("Unknown", 0, 100, 10, 10)};
  MergeTags({Tag("One", 200, 2, 400, 20), Tag("Two", 400, 4, 20, 20)}, stats);
  EXPECT_EQ(Find(stats, "One").malloc_bytes, 100u);
  EXPECT_EQ(Find(stats, "Two").malloc_bytes, 200u);
  EXPECT_EQ(Find(stats, "Glibc Heap").malloc_bytes, 0u);
  EXPECT_EQ(Find(stats, "One").mmap_committed_bytes, 5u);
  EXPECT_EQ(Find(stats, "Two").mmap_committed_bytes, 5u);
  EXPECT_EQ(Find(stats, "One").mmap_reserved_bytes, 95u);
  EXPECT_EQ(Find(stats, "Unknown").reserved_bytes(), 0u);
}

TEST(TaggedBytesTest, ExactlyWhatIsThereIsGranted) {
  for (uint64_t claim : {299, 300, 301}) {
    NativeMemoryStats stats;
    stats.categories = {Row("Glibc Heap", 300, 0, 0, 300),
                        Row("Unknown", 0, 0, 0, 0)};
    MergeTags({Tag("One", claim, 1)}, stats);
    const uint64_t granted = std::min<uint64_t>(claim, 300);
    EXPECT_EQ(Find(stats, "One").malloc_bytes, granted);
    EXPECT_EQ(Find(stats, "Glibc Heap").malloc_bytes, 300 - granted);
  }
}

TEST(TaggedBytesTest, WithoutTheMallocsRowsATagIsThereAndEmpty) {
  NativeMemoryStats stats;
  stats.categories = {Row("Unknown", 0, 100, 100, 100)};
  const Sums before = SumsOf(stats);
  MergeTags({Tag("OpenSSL", 300, 7)}, stats);
  EXPECT_EQ(Find(stats, "OpenSSL").reserved_bytes(), 0u);
  EXPECT_TRUE(SumsOf(stats) == before);
}

TEST(TaggedBytesTest, NoTagsChangeNothing) {
  NativeMemoryStats stats;
  stats.categories = {Row("Glibc Heap", 300, 0, 0, 300),
                      Row("Unknown", 0, 100, 100, 100)};
  MergeTags({}, stats);
  EXPECT_EQ(stats.categories.size(), 2u);
  EXPECT_FALSE(stats.categories[0].resident_is_estimate);
}

TEST(TaggedBytesTest, SumsStayExactWhateverIsClaimed) {
  std::mt19937_64 random(20230611);
  // Small values, where rounding shows, and large ones, where products of two
  // exceed 64 bits.
  const auto number = [&] { return random() >> (random() % 44 + 18); };
  for (int trial = 0; trial < 20000; ++trial) {
    NativeMemoryStats stats;
    for (const char* name : {"Glibc Heap", "Glibc Thread Arenas",
                             "Glibc Mmapped", "Code", "Unknown"}) {
      const uint64_t committed = number();
      stats.categories.push_back(Row(name, trial % 3 == 0 ? 0 : number(),
                                     committed + number(), committed, 0));
      NativeMemoryCategoryStats& row = stats.categories.back();
      row.malloc_count = number();
      row.resident_bytes =
          row.committed_bytes() == 0 ? 0 : number() % row.committed_bytes();
    }
    stats.categories.back().malloc_bytes = 0;
    stats.categories.back().resident_bytes /= 2;
    std::vector<NativeMemoryTag> tags;
    for (const char* name : {"One", "Two", "Three"}) {
      const uint64_t committed = number() / 4;
      tags.push_back(
          Tag(name, number(), number(), committed + number(), committed));
    }
    const Sums before = SumsOf(stats);
    if (trial % 2 == 0) MergeMallocInUse(Glibc(number(), number()), stats);
    MergeTags(tags, stats);
    ASSERT_TRUE(SumsOf(stats) == before) << trial;
    ASSERT_EQ(stats.categories.size(), 8u);
    for (const NativeMemoryCategoryStats& row : stats.categories) {
      ASSERT_LE(row.mmap_committed_bytes, row.mmap_reserved_bytes);
      ASSERT_LT(row.malloc_bytes, uint64_t{1} << 50) << "below zero";
      ASSERT_LE(row.committed_bytes(), before.committed);
    }
  }
}

MallocFigures Mapped(uint64_t bytes) {
  MallocFigures malloc;
  malloc.kind = MallocKind::kJemalloc;
  malloc.mapped_bytes = bytes;
  return malloc;
}

TEST(MallocMappedTest, WhatTheWalkDidNotFindIsTakenOutOfUnknown) {
  NativeMemoryStats stats;
  stats.categories = {Row("Other Malloc", 0, 1000, 1000, 900),
                      Row("Unknown", 0, 9000, 8000, 3000)};
  const Sums before = SumsOf(stats);
  MergeMallocMapped(Mapped(1000), stats);
  EXPECT_EQ(Find(stats, "Other Malloc").mmap_committed_bytes, 1000u);
  MergeMallocMapped(Mapped(3500), stats);
  EXPECT_EQ(SumsOf(stats), before);
  EXPECT_EQ(Find(stats, "Other Malloc").mmap_committed_bytes, 3500u);
  EXPECT_EQ(Find(stats, "Other Malloc").resident_bytes, 3400u);
  EXPECT_TRUE(Find(stats, "Other Malloc").resident_is_estimate);
  EXPECT_EQ(Find(stats, "Unknown").mmap_reserved_bytes, 6500u);
  EXPECT_EQ(Find(stats, "Unknown").resident_bytes, 500u);
}

TEST(MallocMappedTest, NoMoreIsTakenThanThereIs) {
  NativeMemoryStats stats;
  stats.categories = {Row("Other Malloc", 0, 1000, 1000, 900),
                      Row("Unknown", 0, 9000, 8000, 3000)};
  const Sums before = SumsOf(stats);
  MergeMallocMapped(Mapped(UINT64_MAX), stats);
  EXPECT_EQ(SumsOf(stats), before);
  EXPECT_EQ(Find(stats, "Unknown").mmap_committed_bytes, 0u);
  EXPECT_EQ(Find(stats, "Unknown").resident_bytes, 0u);
  EXPECT_EQ(Find(stats, "Unknown").mmap_reserved_bytes, 1000u);
}

TEST(MallocMappedTest, GlibcsMainArenaMayLieOutsideOfTheHeap) {
  NativeMemoryStats stats;
  stats.categories = {Row("Glibc Heap", 0, 1000, 1000, 900),
                      Row("Unknown", 0, 9000, 8000, 3000)};
  MallocFigures malloc;
  malloc.kind = MallocKind::kGlibc;
  malloc.mapped_bytes = 7000;
  malloc.main_arena_mapped_bytes = 1000;
  MergeMallocMapped(malloc, stats);
  EXPECT_EQ(Find(stats, "Unknown").mmap_committed_bytes, 8000u);
  malloc.main_arena_mapped_bytes = 1500;
  MergeMallocMapped(malloc, stats);
  EXPECT_EQ(Find(stats, "Unknown").mmap_committed_bytes, 7500u);
  EXPECT_EQ(Find(stats, "Glibc Heap").mmap_committed_bytes, 1500u);
  EXPECT_EQ(Find(stats, "Glibc Heap").resident_bytes, 1400u);
}

TEST(MallocMappedTest, AMallocThatTellsNothingHasAtLeastWhatTagsCount) {
  NativeMemoryStats stats;
  stats.categories = {Row("Other Malloc", 0, 100, 100, 100),
                      Row("Unknown", 0, 9000, 8000, 3000)};
  const Sums before = SumsOf(stats);
  MergeTags({Tag("Zlib", 500, 3, 200, 100)}, stats);
  EXPECT_EQ(SumsOf(stats), before);
  EXPECT_EQ(Find(stats, "Zlib").malloc_bytes, 500u);
  EXPECT_EQ(Find(stats, "Zlib").mmap_committed_bytes, 100u);
  EXPECT_EQ(Find(stats, "Other Malloc").committed_bytes(), 0u);
  EXPECT_EQ(Find(stats, "Unknown").mmap_committed_bytes, 7500u);
}

}  // namespace
}  // namespace poolscope
