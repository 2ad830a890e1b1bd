// What glibc's malloc does in this process, found from outside of it. Under a
// sanitizer malloc is another one.
#include <malloc.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "poolscope/metrics/native_memory/memory_walk.h"

namespace poolscope {
namespace {

constexpr size_t kMiB = 1 << 20;

NativeMemoryStats Walk() {
  MemoryWalk walk({});
  absl::StatusOr<NativeMemoryStats> stats =
      walk.Take(MemoryWalk::Detail::kMappings, absl::Minutes(1));
  EXPECT_TRUE(stats.ok()) << stats.status();
  return *std::move(stats);
}

std::string OwnerOf(const NativeMemoryStats& stats, const void* pointer) {
  const uint64_t address = reinterpret_cast<uint64_t>(pointer);
  for (const OwnedMapping& mapping : stats.mappings) {
    if (mapping.start <= address && address < mapping.end) {
      return mapping.category;
    }
  }
  return "";
}

const NativeMemoryCategoryStats& Find(const NativeMemoryStats& stats,
                                      const std::string& name) {
  for (const NativeMemoryCategoryStats& category : stats.categories) {
    if (category.name == name) return category;
  }
  std::abort();
}

TEST(GlibcMemoryTest, FindsTheArenasOfThreadsAndAllTheyKeepAfterAFree) {
  constexpr int kThreads = 4;
  constexpr size_t kBlocks = 20000;  // of 1 KiB each, on each thread
  mallopt(M_ARENA_MAX, kThreads + 1);
  std::promise<void*> samples[kThreads];
  std::promise<void> freed;
  const std::shared_future<void> go_on = freed.get_future().share();
  std::promise<void> quiet[kThreads];
  std::promise<void> done;
  const std::shared_future<void> end = done.get_future().share();
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      std::vector<void*> blocks;
      for (size_t b = 0; b < kBlocks; ++b) {
        blocks.push_back(std::malloc(1024));
        std::memset(blocks.back(), 1, 1024);
      }
      samples[i].set_value(blocks[kBlocks / 2]);
      go_on.wait();
      // The topmost stays: nothing below it can be given back.
      for (size_t b = 0; b + 1 < kBlocks; ++b) std::free(blocks[b]);
      quiet[i].set_value();
      end.wait();
      std::free(blocks.back());
    });
  }
  std::vector<void*> addresses;
  for (std::promise<void*>& sample : samples) {
    addresses.push_back(sample.get_future().get());
  }
  NativeMemoryStats stats = Walk();
  for (const void* address : addresses) {
    EXPECT_EQ(OwnerOf(stats, address), "Glibc Thread Arenas");
  }
  NativeMemoryCategoryStats arenas = Find(stats, "Glibc Thread Arenas");
  EXPECT_GE(arenas.live_count, static_cast<uint64_t>(kThreads));
  EXPECT_GE(arenas.resident_bytes, kThreads * kBlocks * 1024);
  EXPECT_EQ(arenas.mmap_reserved_bytes % (64 * kMiB), 0u)
      << "not whole heaps of 64 MiB";
  freed.set_value();
  for (std::promise<void>& q : quiet) q.get_future().wait();
  arenas = Find(Walk(), "Glibc Thread Arenas");
  EXPECT_GE(arenas.resident_bytes, kThreads * kBlocks * 1024)
      << "freed, and kept";
  done.set_value();
  for (std::thread& thread : threads) thread.join();
}

TEST(GlibcMemoryTest, AThreadsSecondHeapIsFoundToo) {
  std::thread([] {
    std::vector<void*> blocks;
    for (int i = 0; i < 1000; ++i) {  // 100 KiB each: below mmap's threshold
      blocks.push_back(std::malloc(100 << 10));
      std::memset(blocks.back(), 1, 100 << 10);
    }
    const NativeMemoryStats stats = Walk();
    for (const void* block : blocks) {
      ASSERT_EQ(OwnerOf(stats, block), "Glibc Thread Arenas");
    }
    EXPECT_GE(Find(stats, "Glibc Thread Arenas").live_count, 2u);
    for (void* block : blocks) std::free(block);
  }).join();
}

TEST(GlibcMemoryTest, FindsEveryMmappedBlock) {
  const uint64_t before = Find(Walk(), "Glibc Mmapped").mmap_reserved_bytes;
  std::vector<void*> blocks;
  for (int i = 0; i < 10; ++i) {
    blocks.push_back(std::malloc((40 + i) * kMiB));
    std::memset(blocks.back(), 1, 4096);
  }
  // Aligned: the block begins pages behind the chunk's start.
  blocks.push_back(std::aligned_alloc(64 << 10, 40 * kMiB));
  std::memset(blocks.back(), 1, 4096);
  const NativeMemoryStats stats = Walk();
  for (const void* block : blocks) {
    EXPECT_EQ(OwnerOf(stats, block), "Glibc Mmapped") << block;
  }
  const NativeMemoryCategoryStats& mmapped = Find(stats, "Glibc Mmapped");
  EXPECT_GE(mmapped.live_count, blocks.size());
  EXPECT_GE(mmapped.mmap_reserved_bytes - before, (445 + 40) * kMiB);
  for (void* block : blocks) std::free(block);
}

TEST(GlibcMemoryTest, FindsTheMainHeap) {
  void* small = std::malloc(100);
  EXPECT_EQ(OwnerOf(Walk(), small), "Glibc Heap");
  std::free(small);
}

TEST(GlibcMemoryTest, LittleIsUnknown) {
  const NativeMemoryStats stats = Walk();
  EXPECT_LE(Find(stats, "Unknown").resident_bytes, stats.resident_bytes / 50);
}

}  // namespace
}  // namespace poolscope
