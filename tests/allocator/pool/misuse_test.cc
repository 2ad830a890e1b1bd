// Errors of callers that end the process, and what is said of them.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "poolscope/allocator/pool/pool_options.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/tests/allocator/pool/both_layouts.h"
#include "poolscope/tests/allocator/pool/test_pool.h"

namespace poolscope {
namespace {

constexpr size_t kChunk = 4 << 20;
constexpr size_t kSizes[] = {
    1, 32, 48, 64, 80, 1024, 8192, 14336, 100000, 1 << 20, size_t{4} << 20};

class MisuseDeathTest : public TestOverLayoutsAnd<CachesCase> {
 protected:
  static PoolOptions Options() {
    PoolOptions options = Quiet(layout());
    options.use_thread_caches = param().caches;
    return options;
  }
  TestPool pool_{Options()};
};

INSTANTIATE_TEST_SUITE_P(Caches, MisuseDeathTest,
                         testing::Combine(BothLayouts(), CachesOnAndOff()),
                         MisuseDeathTest::Name);

TEST_P(MisuseDeathTest, FreeingTwiceByTheOwnerDies) {
  for (size_t size : kSizes) {
    void* block = pool_->Allocate(size);
    void* kept = pool_->Allocate(size);  // its chunk and slab stay
    pool_->Free(block);
    EXPECT_DEATH(pool_->Free(block), "poolscope: free of 0x[0-9a-f]+") << size;
    EXPECT_DEATH(PooledAllocator::FreeBlock(block), "poolscope: free of 0x")
        << size;
    pool_->Free(kept);
  }
}

TEST_P(MisuseDeathTest, FreeingTwiceWithOthersBetweenDies) {
  std::vector<void*> blocks = pool_.Allocate(200, 256);
  pool_.Free(blocks);
  EXPECT_DEATH(pool_->Free(blocks[57]), "not in use|not the start");
}

TEST_P(MisuseDeathTest, FreeingAHugeBlockTwiceDies) {
  void* block = pool_->Allocate(kChunk + 1);
  pool_->Free(block);
  EXPECT_DEATH(pool_->Free(block), "which no allocator of this library");
}

TEST_P(MisuseDeathTest, FreeingAForeignPointerDies) {
  pool_->Free(pool_->Allocate(1));
  auto heap = std::make_unique<int>(1);
  int on_stack = 0;
  static int in_data = 0;
  for (int* foreign : {heap.get(), &on_stack, &in_data}) {
    EXPECT_DEATH(pool_->Free(foreign), "which no allocator of this library");
    EXPECT_DEATH(PooledAllocator::FreeBlock(foreign),
                 "which no allocator of this library");
    EXPECT_DEATH(static_cast<void>(PooledAllocator::UsableSize(foreign)),
                 "which no allocator of this library");
  }
}

TEST_P(MisuseDeathTest, FreeingTheInsideOfABlockDies) {
  for (size_t size : kSizes) {
    void* block = pool_->Allocate(size);
    const size_t usable = PooledAllocator::UsableSize(block);
    for (size_t inside : {size_t{16}, size_t{64}, size_t{4096}, size_t{8192},
                          usable / 2, usable - 16}) {
      if (inside == 0 || inside % 16 != 0 || inside >= usable) continue;
      EXPECT_DEATH(pool_->Free(static_cast<char*>(block) + inside),
                   "poolscope: free of 0x")
          << size << " + " << inside;
    }
    pool_->Free(block);
  }
}

// Pointers that are no multiple of 16 cannot be blocks.
TEST_P(MisuseDeathTest, FreeingAMisalignedPointerDies) {
  for (size_t size : kSizes) {
    char* block = static_cast<char*>(pool_->Allocate(size));
    for (size_t inside : {1, 8, 15, 63, 127, 255}) {
      if (inside >= PooledAllocator::UsableSize(block)) continue;
      EXPECT_DEATH(pool_->Free(block + inside), "poolscope: free of 0x")
          << size << " + " << inside;
    }
    pool_->Free(block);
  }
}

TEST_P(MisuseDeathTest, FreeingTheInsideOfAHugeBlockDies) {
  void* block = pool_->Allocate(3 * kChunk);
  for (size_t inside : {size_t{1}, size_t{4096}, kChunk, 2 * kChunk}) {
    EXPECT_DEATH(pool_->Free(static_cast<char*>(block) + inside),
                 "inside the huge block");
  }
  pool_->Free(block);
}

TEST_P(MisuseDeathTest, FreeingWhatWasNeverHandedOutDies) {
  char* block = static_cast<char*>(pool_->Allocate(256));
  // The slab's next elements, and a page that is still free.
  EXPECT_DEATH(pool_->Free(block + 256 * 20), "poolscope: free of 0x");
  EXPECT_DEATH(pool_->Free(block + (1 << 20)), "poolscope: free of 0x");
  pool_->Free(block);
}

TEST_P(MisuseDeathTest, AskingTheSizeOfAFreePageDies) {
  char* block = static_cast<char*>(pool_->Allocate(256));
  EXPECT_DEATH(
      static_cast<void>(PooledAllocator::UsableSize(block + (1 << 20))),
      "size asked of 0x[0-9a-f]+, which is not the start of a block in use");
  pool_->Free(block);
}

TEST_P(MisuseDeathTest, FreeingByAnotherAllocatorDies) {
  TestPool other(Options());
  other->Free(other->Allocate(100));
  for (size_t size : {size_t{100}, size_t{14336}, kChunk + 1}) {
    void* block = pool_->Allocate(size);
    EXPECT_DEATH(other->Free(block),
                 "which belongs to allocator test, by another one");
    pool_->Free(block);
  }
}

TEST_P(MisuseDeathTest, FreeingTwiceOnTwoThreadsDies) {
  for (size_t size : {size_t{256}, size_t{14336}}) {
    void* block = pool_->Allocate(size);
    void* kept = pool_->Allocate(size);
    EXPECT_DEATH(
        {
          std::thread([&] { pool_->Free(block); }).join();
          pool_->Free(block);
          // Where caches are on, found when the owner takes up what came back.
          pool_->Trim();
        },
        "not in use|not the start");
    pool_->Free(block);
    pool_->Free(kept);
  }
}

// Both frees by another thread: found when the owner takes them up.
TEST(RemoteMisuseDeathTest, FreeingTwiceElsewhereDiesWhenTheOwnerDrains) {
  TestPool pool;
  void* block = pool->Allocate(256);
  EXPECT_DEATH(
      {
        std::thread([&] {
          pool->Free(block);
          pool->Free(block);
        }).join();
        pool->Trim();
      },
      "not in use: freed twice.*when its owner took it up");
  pool->Free(block);
}

// Sampled blocks go another way home.
TEST_P(MisuseDeathTest, FreeingASampledBlockTwiceDies) {
  PoolOptions options = Options();
  options.sampling = true;
  options.sample_interval_bytes = 1;
  TestPool pool(options);
  for (size_t size : {size_t{100}, size_t{14336}}) {
    void* block = pool->Allocate(size);
    EXPECT_DEATH(pool->Free(static_cast<char*>(block) + 16), "free of 0x");
    pool->Free(block);
    EXPECT_DEATH(pool->Free(block), "free of 0x");
  }
}

}  // namespace
}  // namespace poolscope
