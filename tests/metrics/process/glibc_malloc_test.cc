#include "poolscope/metrics/process/glibc_malloc.h"

#include <malloc.h>

#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "poolscope/metrics/process/malloc_library.h"

namespace poolscope {
namespace {

// Two arenas, as glibc 2.36 writes them; the totals behind them repeat what is
// in the arenas.
constexpr char kTwoArenas[] =
    "<malloc version=\"1\">\n"
    "<heap nr=\"0\">\n"
    "<sizes>\n"
    "  <size from=\"33\" to=\"48\" total=\"96\" count=\"2\"/>\n"
    "  <unsorted from=\"65\" to=\"65\" total=\"65\" count=\"1\"/>\n"
    "</sizes>\n"
    "<total type=\"fast\" count=\"2\" size=\"96\"/>\n"
    "<total type=\"rest\" count=\"3\" size=\"1002\"/>\n"
    "<system type=\"current\" size=\"135168\"/>\n"
    "<system type=\"max\" size=\"200000\"/>\n"
    "<aspace type=\"total\" size=\"135168\"/>\n"
    "<aspace type=\"mprotect\" size=\"135168\"/>\n"
    "</heap>\n"
    "<heap nr=\"1\">\n"
    "<sizes>\n"
    "</sizes>\n"
    "<total type=\"fast\" count=\"0\" size=\"0\"/>\n"
    "<total type=\"rest\" count=\"1\" size=\"5000\"/>\n"
    "<system type=\"current\" size=\"8192\"/>\n"
    "<system type=\"max\" size=\"8192\"/>\n"
    "<aspace type=\"total\" size=\"8192\"/>\n"
    "<aspace type=\"mprotect\" size=\"8192\"/>\n"
    "<aspace type=\"subheaps\" size=\"1\"/>\n"
    "</heap>\n"
    "<total type=\"fast\" count=\"2\" size=\"96\"/>\n"
    "<total type=\"rest\" count=\"4\" size=\"6000\"/>\n"
    "<total type=\"mmap\" count=\"3\" size=\"1204224\"/>\n"
    "<system type=\"current\" size=\"143360\"/>\n"
    "<system type=\"max\" size=\"208192\"/>\n"
    "<aspace type=\"total\" size=\"143360\"/>\n"
    "<aspace type=\"mprotect\" size=\"143360\"/>\n"
    "</malloc>\n";

TEST(GlibcMallocTest, ReadsEachArenaAndNotTheTotalsBehindThem) {
  const absl::StatusOr<GlibcMalloc> malloc = ParseMallocInfo(kTwoArenas);
  ASSERT_TRUE(malloc.ok()) << malloc.status();
  ASSERT_EQ(malloc->arenas.size(), 2u);
  EXPECT_EQ(malloc->arenas[0].mapped_bytes, 135168u);
  EXPECT_EQ(malloc->arenas[0].free_bytes, 1096u);
  EXPECT_EQ(malloc->arenas[0].in_use_bytes(), 134072u);
  EXPECT_EQ(malloc->arenas[1].mapped_bytes, 8192u);
  EXPECT_EQ(malloc->arenas[1].free_bytes, 5000u);
  EXPECT_EQ(malloc->mmapped_blocks, 3u);
  EXPECT_EQ(malloc->mmapped_bytes, 1204224u);
  EXPECT_EQ(malloc->mapped_bytes(), 143360u);
  EXPECT_EQ(malloc->free_bytes(), 6096u);
  EXPECT_EQ(malloc->in_use_bytes(), 137264u);
}

// glibc leaves a chunk's flags in its size, but for the last of an arena.
TEST(GlibcMallocTest, TakesTheFlagsOutOfTheSizesOfChunks) {
  const auto free_bytes = [](const std::string& from, const std::string& to) {
    const auto malloc =
        ParseMallocInfo(absl::StrReplaceAll(kTwoArenas, {{from, to}}));
    return malloc.ok() ? malloc->free_bytes() : 0;
  };
  EXPECT_EQ(free_bytes("<heap", "<heap"), 6096u);
  EXPECT_EQ(
      free_bytes("count=\"3\" size=\"1002\"", "count=\"11\" size=\"1010\""),
      6096u);
  EXPECT_EQ(
      free_bytes("count=\"1\" size=\"5000\"", "count=\"101\" size=\"5100\""),
      6096u);
}

TEST(GlibcMallocTest, ManyFreeChunksOfAThreadsArenaCountWithWhatTheyHave) {
  if (TheMalloc().kind != MallocKind::kGlibc) return;
  constexpr size_t kBlocks = 20000;
  constexpr size_t kChunkBytes = 1216;  // what 1,200 bytes take
  std::thread([&] {
    std::vector<void*> blocks(kBlocks);
    for (void*& block : blocks) block = std::malloc(1200);
    const absl::StatusOr<GlibcMalloc> before = ReadGlibcMalloc();
    // Every other one, so that none of them can become one.
    for (size_t i = 0; i < kBlocks; i += 2) std::free(blocks[i]);
    const absl::StatusOr<GlibcMalloc> after = ReadGlibcMalloc();
    for (size_t i = 1; i < kBlocks; i += 2) std::free(blocks[i]);
    ASSERT_TRUE(before.ok()) << before.status();
    ASSERT_TRUE(after.ok()) << after.status();
    // The figures themselves are allocated in between.
    EXPECT_NEAR(
        static_cast<double>(before->in_use_bytes() - after->in_use_bytes()),
        kBlocks / 2 * kChunkBytes, 16384);
  }).join();
}

TEST(GlibcMallocTest, NamesWhatIsMissing) {
  const struct {
    const char* part;
    const char* instead;
    const char* missing;
  } kCases[] = {
      {"<heap ", "<keep ", "malloc_info has no arena"},
      {"</heap>", "", "malloc_info has no end of an arena"},
      {"<total type=\"fast\"", "<", "malloc_info has no totals of an arena"},
      {"<system type=\"current\"", "<",
       "malloc_info has no totals of an arena"},
      {"count=\"3\" size=\"1002\"", "",
       "malloc_info has no size of what is free"},
      {"size=\"1002\"", "size=\"many\"",
       "malloc_info has no size of what is free"},
      {"size=\"135168\"", "size=\"99999999999999999999\"",
       "malloc_info has no size of an arena"},
      {"<total type=\"mmap\"", "<", "malloc_info has no mmapped blocks"},
      {"count=\"3\" size=\"1204224\"", "",
       "malloc_info has no size of mmapped blocks"},
  };
  for (const auto& c : kCases) {
    const absl::Status status =
        ParseMallocInfo(absl::StrReplaceAll(kTwoArenas, {{c.part, c.instead}}))
            .status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << c.part;
    EXPECT_EQ(status.message(), c.missing);
  }
}

TEST(GlibcMallocTest, RefusesNumbersThatAreNone) {
  const std::string whole = kTwoArenas;
  for (const std::string number : {"\"135168\"", "\"1002\"", "\"1204224\""}) {
    for (const std::string bad :
         {"\"-1\"", "\"\"", "\"x\"", "\"99999999999999999999\"", "\"7"}) {
      EXPECT_TRUE(absl::IsDataLoss(
          ParseMallocInfo(absl::StrReplaceAll(whole, {{number, bad}}))
              .status()))
          << number << " as " << bad;
    }
  }
}

// The size is read once the arena is unlocked.
TEST(GlibcMallocTest, AnArenaThatShrankMeanwhileIsAllFree) {
  const absl::StatusOr<GlibcMalloc> malloc =
      ParseMallocInfo(absl::StrReplaceAll(
          kTwoArenas,
          {{"current\" size=\"8192\"", "current\" size=\"4999\""}}));
  ASSERT_TRUE(malloc.ok()) << malloc.status();
  EXPECT_EQ(malloc->arenas[1].free_bytes, 4999u);
  EXPECT_EQ(malloc->arenas[1].in_use_bytes(), 0u);
}

TEST(GlibcMallocTest, WhatIsCutShortIsRefusedOrWhole) {
  const std::string whole = kTwoArenas;
  for (size_t length = 0; length < whole.size(); ++length) {
    const absl::StatusOr<GlibcMalloc> malloc =
        ParseMallocInfo(absl::string_view(whole).substr(0, length));
    if (malloc.ok()) {
      EXPECT_EQ(malloc->mmapped_bytes, 1204224u) << length;
    } else {
      EXPECT_EQ(malloc.status().code(), absl::StatusCode::kDataLoss);
    }
  }
}

// What mallinfo2() gives: the same sums, without a word on arenas.
TEST(GlibcMallocTest, AgreesWithMallinfo2WhereMallocIsGlibcs) {
  const absl::StatusOr<GlibcMalloc> malloc = ReadGlibcMalloc();
  if (TheMalloc().kind != MallocKind::kGlibc) {
    EXPECT_EQ(malloc.status().code(), absl::StatusCode::kFailedPrecondition);
    return;
  }
  ASSERT_TRUE(malloc.ok()) << malloc.status();
  const struct mallinfo2 info = mallinfo2();
  EXPECT_EQ(malloc->mapped_bytes(), info.arena);
  EXPECT_EQ(malloc->mmapped_bytes, info.hblkhd);
  EXPECT_EQ(malloc->mmapped_blocks, info.hblks);
  // The text itself, and what came of it, were allocated in between.
  EXPECT_NEAR(static_cast<double>(malloc->in_use_bytes()),
              static_cast<double>(info.uordblks), 65536);
}

TEST(GlibcMallocTest, SeesWhatAnotherThreadHasInItsArena) {
  if (TheMalloc().kind != MallocKind::kGlibc) return;
  constexpr size_t kBlocks = 1000;
  constexpr size_t kBlockBytes = 10000;
  const absl::StatusOr<GlibcMalloc> before = ReadGlibcMalloc();
  ASSERT_TRUE(before.ok()) << before.status();

  std::vector<void*> blocks;
  blocks.reserve(kBlocks);
  std::thread([&] {
    for (size_t i = 0; i < kBlocks; ++i) {
      blocks.push_back(std::malloc(kBlockBytes));
    }
  }).join();
  const absl::StatusOr<GlibcMalloc> with = ReadGlibcMalloc();
  ASSERT_TRUE(with.ok()) << with.status();
  for (void* const block : blocks) std::free(block);
  const absl::StatusOr<GlibcMalloc> after = ReadGlibcMalloc();
  ASSERT_TRUE(after.ok()) << after.status();

  EXPECT_GE(with->arenas.size(), 2u);
  EXPECT_NEAR(
      static_cast<double>(with->in_use_bytes() - before->in_use_bytes()), 1e7,
      2e5);
  // But for a few that the thread's cache keeps.
  EXPECT_NEAR(static_cast<double>(with->in_use_bytes() - after->in_use_bytes()),
              1e7, 3e5);
}

TEST(GlibcMallocTest, SeesABlockThatIsAMappingOfItsOwn) {
  if (TheMalloc().kind != MallocKind::kGlibc) return;
  const absl::StatusOr<GlibcMalloc> before = ReadGlibcMalloc();
  ASSERT_TRUE(before.ok()) << before.status();
  // Above the largest that the threshold ever becomes.
  constexpr size_t kLarge = 64 << 20;
  // Volatile: else the compiler sees that nobody needs the block.
  void* volatile block = std::malloc(kLarge);
  const absl::StatusOr<GlibcMalloc> with = ReadGlibcMalloc();
  std::free(block);
  ASSERT_TRUE(with.ok()) << with.status();
  EXPECT_EQ(with->mmapped_blocks, before->mmapped_blocks + 1);
  EXPECT_GE(with->mmapped_bytes, before->mmapped_bytes + kLarge);
}

}  // namespace
}  // namespace poolscope
