#include "poolscope/allocator/pool/metadata_allocator.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "poolscope/allocator/pool/memory_source.h"
#include "poolscope/tests/allocator/pool/fake_memory_source.h"

namespace poolscope {
namespace pool_internal {
namespace {

constexpr MemorySource::Use kMetadata = MemorySource::Use::kMetadata;

bool IsZero(const void* block, size_t bytes) {
  const char* at = static_cast<const char*>(block);
  for (size_t i = 0; i < bytes; ++i) {
    if (at[i] != 0) return false;
  }
  return true;
}

TEST(MetadataAllocatorTest, BlocksAreZeroedAlsoWhenUsedAgain) {
  FakeMemorySource source;
  MetadataAllocator metadata(&source);
  for (size_t bytes : {1, 64, 65, 4096, 65536, 65537, 200000}) {
    void* block = metadata.Allocate(bytes);
    ASSERT_NE(block, nullptr);
    ASSERT_TRUE(IsZero(block, bytes)) << bytes;
    std::memset(block, 0xab, bytes);
    metadata.Free(block, bytes);
    block = metadata.Allocate(bytes);
    ASSERT_TRUE(IsZero(block, bytes)) << bytes;
    metadata.Free(block, bytes);
  }
}

TEST(MetadataAllocatorTest, BlocksAreAlignedTo64AndLargeOnesToAPage) {
  FakeMemorySource source;
  MetadataAllocator metadata(&source);
  for (size_t bytes = 1; bytes <= 65536; bytes = bytes * 3 + 1) {
    const uintptr_t at = reinterpret_cast<uintptr_t>(metadata.Allocate(bytes));
    ASSERT_NE(at, 0u);
    ASSERT_EQ(at % 64, 0u) << bytes;
  }
  void* large = metadata.Allocate(65537);
  ASSERT_EQ(reinterpret_cast<uintptr_t>(large) % 4096, 0u);
  metadata.Free(large, 65537);
}

TEST(MetadataAllocatorTest, AFreedBlockServesItsPowerOfTwoAgain) {
  FakeMemorySource source;
  MetadataAllocator metadata(&source);
  void* block = metadata.Allocate(100);
  metadata.Free(block, 100);
  EXPECT_NE(metadata.Allocate(64), block);
  EXPECT_NE(metadata.Allocate(129), block);
  EXPECT_EQ(metadata.Allocate(65), block);
  metadata.Free(block, 65);
  EXPECT_EQ(metadata.Allocate(128), block);
}

TEST(MetadataAllocatorTest, SmallBlocksShareMappingsOfOneSize) {
  FakeMemorySource source;
  MetadataAllocator metadata(&source);
  for (int i = 0; i < 1000; ++i) ASSERT_NE(metadata.Allocate(64), nullptr);
  EXPECT_EQ(source.live_mappings(kMetadata), 1);
  EXPECT_EQ(metadata.mapped_bytes(), size_t{128} << 10);
  for (int i = 0; i < 2000; ++i) ASSERT_NE(metadata.Allocate(64), nullptr);
  EXPECT_EQ(source.live_mappings(kMetadata), 2);
  EXPECT_EQ(metadata.mapped_bytes(), size_t{256} << 10);
}

TEST(MetadataAllocatorTest, LargeBlocksAreMappedAloneAndReturned) {
  FakeMemorySource source;
  MetadataAllocator metadata(&source);
  void* block = metadata.Allocate(65537);
  EXPECT_EQ(metadata.mapped_bytes(), 69632u);  // 17 pages of 4096
  EXPECT_EQ(source.live_bytes(kMetadata), 69632);
  metadata.Free(block, 65537);
  EXPECT_EQ(metadata.mapped_bytes(), 0u);
  EXPECT_EQ(source.live_mappings(kMetadata), 0);
}

TEST(MetadataAllocatorTest, RefusalIsNullAndTheNextAttemptMayDo) {
  FakeMemorySource source;
  MetadataAllocator metadata(&source);
  source.FailFrom(1);
  EXPECT_EQ(metadata.Allocate(64), nullptr);
  EXPECT_EQ(metadata.Allocate(100000), nullptr);
  EXPECT_EQ(metadata.mapped_bytes(), 0u);
  source.FailNone();
  EXPECT_NE(metadata.Allocate(64), nullptr);
  EXPECT_EQ(source.live_mappings(MemorySource::Use::kBlocks), 0);
}

TEST(MetadataAllocatorTest, ItsEndReturnsEveryMapping) {
  FakeMemorySource source;
  {
    MetadataAllocator metadata(&source);
    for (int i = 0; i < 20; ++i) ASSERT_NE(metadata.Allocate(50000), nullptr);
    EXPECT_GT(source.live_mappings(kMetadata), 5);
  }
  EXPECT_EQ(source.live_mappings(kMetadata), 0);
}

TEST(MetadataAllocatorTest, LiveBlocksNeverOverlapInARandomTrace) {
  FakeMemorySource source;
  MetadataAllocator metadata(&source);
  std::mt19937 random(1);
  struct Live {
    unsigned char* at;
    size_t bytes;
    unsigned char mark;
  };
  std::vector<Live> live;
  for (int step = 0; step < 5000; ++step) {
    if (random() % 5 < 3) {
      const size_t bytes = 1 + random() % (1u << (random() % 15));
      auto* at = static_cast<unsigned char*>(metadata.Allocate(bytes));
      ASSERT_NE(at, nullptr);
      ASSERT_TRUE(IsZero(at, bytes));
      const unsigned char mark = 1 + step % 255;
      std::memset(at, mark, bytes);
      live.push_back({at, bytes, mark});
    } else if (!live.empty()) {
      const size_t victim = random() % live.size();
      const Live freed = live[victim];
      for (size_t i = 0; i < freed.bytes; ++i) {
        ASSERT_EQ(freed.at[i], freed.mark) << "written through another block";
      }
      metadata.Free(freed.at, freed.bytes);
      live[victim] = live.back();
      live.pop_back();
    }
  }
}

}  // namespace
}  // namespace pool_internal
}  // namespace poolscope
