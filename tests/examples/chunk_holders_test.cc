#include "poolscope/examples/demo/chunk_holders.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "absl/strings/match.h"
#include "poolscope/allocator/pool/allocator_stats.h"

namespace poolscope::demo {
namespace {

constexpr uint64_t kMiB = 1 << 20;

ChunkStats Chunk(uint64_t id, int usage_percent, uint64_t pinned,
                 uint64_t cached) {
  ChunkStats chunk;
  chunk.id = id;
  chunk.usage_percent = usage_percent;
  chunk.size_bytes = 16 * kMiB;
  chunk.used_bytes = 16 * kMiB * static_cast<uint64_t>(usage_percent) / 100;
  chunk.pinned_bytes = pinned;
  chunk.cached_bytes = cached;
  return chunk;
}

std::string NoName(uint64_t) { return ""; }

TEST(ChunkHoldersTest, LowUseIsFromOneToTwentyFivePercent) {
  AllocatorStats stats;
  for (const int usage : {0, 1, 25, 26, 100}) {
    stats.chunks.push_back(Chunk(static_cast<uint64_t>(usage), usage, 1, 0));
  }
  const ChunkHolders holders = FindChunkHolders(stats);
  EXPECT_EQ(holders.chunks, 5u);
  EXPECT_EQ(holders.empty, 1u);
  ASSERT_EQ(holders.low_use.size(), 2u);
  EXPECT_EQ(holders.low_use[0].id, 1u);
  EXPECT_EQ(holders.low_use[1].id, 25u);
  EXPECT_EQ(holders.mapped_bytes, 32 * kMiB);
}

TEST(ChunkHoldersTest, EachIsHeldByOneKind) {
  AllocatorStats stats;
  stats.chunks = {Chunk(1, 5, 8192, 0), Chunk(2, 4, 0, 8192),
                  Chunk(3, 3, 4096, 4096), Chunk(4, 2, 0, 0),
                  Chunk(5, 1, 0, 100)};
  const ChunkHolders holders = FindChunkHolders(stats);
  EXPECT_EQ(holders.held_by_pinned, 1u);
  EXPECT_EQ(holders.held_by_cached, 2u);
  EXPECT_EQ(holders.held_by_both, 1u);
  EXPECT_EQ(holders.held_by_slabs, 1u);
  EXPECT_EQ(holders.pinned_bytes, 8192u + 4096);
  EXPECT_EQ(holders.cached_bytes, 8192u + 4096 + 100);
  EXPECT_EQ(holders.low_use.front().id, 5u);  // the least used
}

TEST(ChunkHoldersTest, TextNamesWhoAskedForTheOldestBlock) {
  AllocatorStats stats;
  stats.chunks = {Chunk(7, 3, 8192, 0)};
  stats.chunks[0].oldest_sample = OldestSample{99, 8192, 12.25};
  const std::string text =
      ChunkHoldersText(FindChunkHolders(stats), 8, [](uint64_t id) {
        return id == 99 ? std::string("Keep()") : std::string();
      });
  EXPECT_TRUE(absl::StrContains(text, "chunk 7 of arena 0, qinit: 3 % in use"))
      << text;
  EXPECT_TRUE(absl::StrContains(text, "12.2 s, by Keep()")) << text;
  EXPECT_TRUE(absl::StrContains(text, "by pinned blocks alone 1")) << text;
}

TEST(ChunkHoldersTest, TextEndsAfterSoManyChunks) {
  AllocatorStats stats;
  for (uint64_t id = 1; id <= 5; ++id)
    stats.chunks.push_back(Chunk(id, 9, 1, 0));
  const std::string text = ChunkHoldersText(FindChunkHolders(stats), 2, NoName);
  EXPECT_TRUE(absl::StrContains(text, "chunk 2 ")) << text;
  EXPECT_FALSE(absl::StrContains(text, "chunk 3 ")) << text;
  EXPECT_TRUE(absl::StrContains(text, "and 3 more")) << text;
}

TEST(ChunkHoldersTest, NoneAtLowUseIsOneLine) {
  EXPECT_EQ(ChunkHoldersText(FindChunkHolders(AllocatorStats()), 8, NoName),
            "0 chunks, 0 empty, 0 at low use (1 to 25 %)\n");
}

}  // namespace
}  // namespace poolscope::demo
