#include "poolscope/metrics/pool_call_sites.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "poolscope/tests/metrics/live_allocations.h"

namespace poolscope {
namespace {

void* At(uintptr_t address) { return reinterpret_cast<void*>(address); }

// "Read" is unknown at 0x30.
std::string NameOf(const void* address) {
  return address == At(0x30)
             ? ""
             : absl::StrCat("F", reinterpret_cast<uintptr_t>(address));
}

AllocatorStats WithChunks(const char* name, uint64_t chunk_bytes) {
  AllocatorStats stats;
  stats.name = name;
  stats.chunk_size_bytes = chunk_bytes;
  return stats;
}

TEST(PoolCallSitesTest, SumsBlocksByStackAndCategoryTheMostBytesFirst) {
  LiveBlocks rpc;
  rpc.allocator = "rpc";
  rpc.live = MakeLive({{1, 2, 100, {At(0x10), At(0x20)}},
                       {2, 1.5, 1000, {At(0x10), At(0x20)}},
                       {3, 1, 4096, {At(0x30)}},
                       {4, 1, 4097, {At(0x30)}}});
  LiveBlocks web;
  web.allocator = "web";
  web.live = MakeLive({{1, 1, 4097, {At(0x10), At(0x20)}}});
  const std::vector<NativeMemoryCallSite> sites = PoolCallSites(
      {rpc, web}, {WithChunks("rpc", 4096), WithChunks("web", 1 << 20)},
      NameOf);
  ASSERT_EQ(sites.size(), 3u);
  EXPECT_EQ(sites[0].category, "Pool Arenas");
  EXPECT_EQ(sites[0].frames, (std::vector<std::string>{"F16", "F32"}));
  EXPECT_EQ(sites[0].malloc_bytes, 200u + 1500u + 4097u);
  EXPECT_EQ(sites[0].malloc_count, 5u);  // of 4.5
  EXPECT_EQ(sites[1].category, "Pool Huge");
  EXPECT_EQ(sites[1].frames, std::vector<std::string>{"0x2f"});
  EXPECT_EQ(sites[1].malloc_bytes, 4097u);
  EXPECT_EQ(sites[2].category, "Pool Arenas");
  EXPECT_EQ(sites[2].malloc_bytes, 4096u);
}

TEST(PoolCallSitesTest, KeepsThoseOfTheMostBytes) {
  std::vector<MadeUpBlock> blocks;
  for (size_t i = 0; i < kMaxPoolCallSites + 1; ++i) {
    blocks.push_back({i + 1, 1, 16 * (i + 1), {At(0x1000 + i)}});
  }
  LiveBlocks rpc;
  rpc.live = MakeLive(blocks);
  const std::vector<NativeMemoryCallSite> sites =
      PoolCallSites({rpc}, {}, NameOf);
  ASSERT_EQ(sites.size(), kMaxPoolCallSites);
  EXPECT_EQ(sites.front().malloc_bytes, 16 * (kMaxPoolCallSites + 1));
  EXPECT_EQ(sites.back().malloc_bytes, 32u);
}

TEST(PoolCallSitesTest, NobodyRecordsNothing) {
  EXPECT_TRUE(PoolCallSites({}, {}, NameOf).empty());
  EXPECT_TRUE(PoolCallSites({LiveBlocks()}, {}, NameOf).empty());
}

}  // namespace
}  // namespace poolscope
