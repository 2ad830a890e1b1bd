// Against files, and against this process as it is.
#include "poolscope/metrics/native_memory/memory_walk.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <future>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/metrics/process/own_memory.h"
#include "poolscope/metrics/process/smaps.h"

namespace poolscope {
namespace {

constexpr size_t kMiB = 1 << 20;
constexpr absl::Duration kBudget = absl::Minutes(1);

NativeMemoryStats Must(absl::StatusOr<NativeMemoryStats> stats) {
  EXPECT_TRUE(stats.ok()) << stats.status();
  return stats.ok() ? *std::move(stats) : NativeMemoryStats();
}

NativeMemoryCategoryStats Find(const NativeMemoryStats& stats,
                               absl::string_view name) {
  for (const NativeMemoryCategoryStats& category : stats.categories) {
    if (category.name == name) return category;
  }
  return NativeMemoryCategoryStats();
}

// The piece of memory in which `pointer` lies.
OwnedMapping At(const NativeMemoryStats& stats, const void* pointer) {
  const uint64_t address = reinterpret_cast<uint64_t>(pointer);
  for (const OwnedMapping& mapping : stats.mappings) {
    if (mapping.start <= address && address < mapping.end) return mapping;
  }
  return OwnedMapping();
}

uint64_t SumOfResidents(const NativeMemoryStats& stats) {
  uint64_t sum = 0;
  for (const NativeMemoryCategoryStats& c : stats.categories) {
    sum += c.resident_bytes;
  }
  return sum;
}

size_t EntriesOf(const char* folder) {
  DIR* const directory = opendir(folder);
  if (directory == nullptr) return 0;
  size_t entries = 0;
  while (const dirent* entry = readdir(directory)) {
    entries += entry->d_name[0] != '.';
  }
  closedir(directory);
  return entries;
}

NativeMemoryStats WalkThisProcess() {
  MemoryWalkOptions options;
  options.pool_ranges = PooledAllocator::Ranges;
  MemoryWalk walk(options);
  return Must(walk.Take(MemoryWalk::Detail::kMappings, kBudget));
}

std::string FakeRoot(const std::string& name, const std::string& smaps) {
  const std::string root = testing::TempDir() + "/" + name;
  mkdir(root.c_str(), 0755);
  mkdir((root + "/self").c_str(), 0755);
  std::ofstream(root + "/self/smaps") << smaps;
  return root;
}

MemoryWalkOptions Fake(const std::string& name, const std::string& smaps) {
  MemoryWalkOptions options;
  options.proc_root = FakeRoot(name, smaps);
  return options;
}

TEST(MemoryWalkTest, AddsUpByCategory) {
  MemoryWalkOptions options = Fake("adds", R"(10000-20000 rw-p 0 0:0 0
Rss: 8 kB
20000-30000 ---p 0 0:0 0
30000-40000 rw-p 0 0:0 0      [heap]
Rss: 12 kB
50000-51000 r--s 0 8:1 5      /data/caf)"
                                           "\xc3\xa9\x01\nRss: 4 kB\n");
  options.pool_ranges = [] {
    return std::vector<PoolRange>{
        {0x10000, 0x10000, PoolRange::Use::kChunk, 3},
        {0x20000, 0x8000, PoolRange::Use::kMetadata, PoolRange::kNoArena}};
  };
  MemoryWalk walk(options);
  const NativeMemoryStats stats =
      Must(walk.Take(MemoryWalk::Detail::kMappings, kBudget));
  EXPECT_EQ(stats.walk_id, 1u);
  EXPECT_GT(stats.walked_at_unix_nanos, 0);
  EXPECT_EQ(stats.resident_bytes, 0x6000u);
  EXPECT_EQ(SumOfResidents(stats), stats.resident_bytes);
  EXPECT_EQ(stats.mapping_count, 4u);

  const NativeMemoryCategoryStats chunks = Find(stats, "Pool Arenas");
  EXPECT_EQ(chunks.mmap_reserved_bytes, 0x10000u);
  EXPECT_EQ(chunks.mmap_committed_bytes, 0x10000u);
  EXPECT_EQ(chunks.resident_bytes, 0x2000u);
  EXPECT_EQ(chunks.live_count, 1u);
  EXPECT_FALSE(chunks.resident_is_estimate);
  const NativeMemoryCategoryStats metadata = Find(stats, "Pool Metadata");
  EXPECT_EQ(metadata.mmap_reserved_bytes, 0x8000u);
  EXPECT_EQ(metadata.mmap_committed_bytes, 0u) << "it is PROT_NONE";
  EXPECT_EQ(Find(stats, "Glibc Heap").resident_bytes, 0x3000u);
  EXPECT_EQ(Find(stats, "Other Malloc").name, "");
  EXPECT_EQ(stats.categories.back().name, "Unknown");
  EXPECT_EQ(stats.categories.back().mmap_reserved_bytes, 0x8000u);

  ASSERT_EQ(stats.mappings.size(), 5u);
  EXPECT_EQ(stats.mappings[0].detail, "arena 3");
  EXPECT_EQ(stats.mappings[1].permissions, "---p");
  EXPECT_EQ(stats.mappings[4].permissions, "r--s");
  EXPECT_EQ(stats.mappings[4].category, "Mapped Files");
  EXPECT_EQ(stats.mappings[4].name, "/data/caf\xc3\xa9\\x01");
}

TEST(MemoryWalkTest, ListsTheLargestOfWhatNobodyOwns) {
  std::string smaps = "1000-9000 rw-p 0 0:0 0 [heap]\nRss: 32 kB\n";
  for (int i = 1; i <= 12; ++i) {
    // Resident 4, 20, 36, 4, ... kB, and one that is not resident.
    absl::StrAppend(
        &smaps, absl::Hex(i * 0x10000), "-", absl::Hex(i * 0x10000 + 0xa000),
        " r--p 0 0:0 0\nRss: ", i == 12 ? 0 : 4 + i % 3 * 16, " kB\n");
  }
  MemoryWalk walk(Fake("unknown", smaps));
  const NativeMemoryStats stats =
      Must(walk.Take(MemoryWalk::Detail::kCategories, kBudget));
  ASSERT_EQ(stats.largest_unknown.size(), NativeMemoryStats::kMostUnknown);
  EXPECT_EQ(stats.largest_unknown[0].start, 0x20000u);
  EXPECT_EQ(stats.largest_unknown[0].resident_bytes, 36u << 10);
  EXPECT_EQ(stats.largest_unknown[1].start, 0x50000u);
  EXPECT_EQ(stats.largest_unknown[4].start, 0x10000u);
  EXPECT_EQ(stats.largest_unknown[4].resident_bytes, 20u << 10);
  for (const OwnedMapping& mapping : stats.largest_unknown) {
    EXPECT_EQ(mapping.category, "Unknown");
    EXPECT_GT(mapping.resident_bytes, 0u);
  }
}

TEST(MemoryWalkTest, WhatNobodyOwnsIsListedWhereItIsResidentAlone) {
  MemoryWalk walk(Fake("absent",
                       "10000-20000 r--p 0 0:0 0\nRss: 0 kB\n"
                       "30000-40000 r--p 0 0:0 0\nRss: 4 kB\n"));
  const NativeMemoryStats stats =
      Must(walk.Take(MemoryWalk::Detail::kCategories, kBudget));
  ASSERT_EQ(stats.largest_unknown.size(), 1u);
  EXPECT_EQ(stats.largest_unknown[0].start, 0x30000u);
}

TEST(MemoryWalkTest, CutsLongNamesBetweenCharacters) {
  const std::string whole(512, 'n');
  // The cut after 509 bytes would come within the two of the last character.
  const std::string accented = std::string(508, 'n') + "\u00e9nnn";
  ASSERT_EQ(accented.size(), 513u);
  MemoryWalk walk(Fake(
      "names",
      absl::StrCat("10000-20000 r--p 0 08:01 7 ", whole, "\nRss: 4 kB\n",
                   "30000-40000 r--p 0 08:01 8 ", whole, "n\nRss: 4 kB\n",
                   "50000-60000 r--p 0 08:01 9 ", accented, "\nRss: 4 kB\n")));
  const NativeMemoryStats stats =
      Must(walk.Take(MemoryWalk::Detail::kMappings, kBudget));
  ASSERT_EQ(stats.mappings.size(), 3u);
  EXPECT_EQ(stats.mappings[0].name, whole);
  EXPECT_EQ(stats.mappings[1].name, std::string(509, 'n') + "...");
  EXPECT_EQ(stats.mappings[2].name, std::string(508, 'n') + "...");
}

TEST(MemoryWalkTest, AMappingThatIsShownAgainCountsOnce) {
  MemoryWalk walk(Fake("again",
                       "10000-20000 rw-p 0 0:0 0 [heap]\nRss: 64 kB\n"
                       "10000-24000 rw-p 0 0:0 0 [heap]\nRss: 80 kB\n"
                       "18000-20000 rw-p 0 0:0 0 [heap]\nRss: 16 kB\n"));
  const NativeMemoryStats stats =
      Must(walk.Take(MemoryWalk::Detail::kCategories, kBudget));
  const NativeMemoryCategoryStats heap = Find(stats, "Glibc Heap");
  EXPECT_EQ(stats.mapping_count, 2u);
  EXPECT_EQ(heap.mmap_reserved_bytes, 0x14000u);
  EXPECT_EQ(heap.resident_bytes, 0x14000u);
}

TEST(MemoryWalkTest, HasNoMappingsUnlessAskedFor) {
  MemoryWalk walk({});
  EXPECT_TRUE(Must(walk.Take(MemoryWalk::Detail::kCategories, kBudget))
                  .mappings.empty());
}

TEST(MemoryWalkTest, ABudgetMayBeInfinite) {
  MemoryWalk walk(MemoryWalkOptions{});
  EXPECT_GT(
      Must(walk.Take(MemoryWalk::Detail::kCategories, absl::InfiniteDuration()))
          .resident_bytes,
      0u);
}

TEST(MemoryWalkTest, IsGivenUpWhenItTakesLongerThanItsBudget) {
  MemoryWalk walk({});
  const absl::Status status =
      walk.Take(MemoryWalk::Detail::kCategories, absl::ZeroDuration()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(walk.Take(MemoryWalk::Detail::kCategories, kBudget).ok());
}

TEST(MemoryWalkTest, FailsAsItsFileDoes) {
  MemoryWalkOptions options;
  options.proc_root = "/nonexistent";
  MemoryWalk walk(options);
  const absl::Status status =
      walk.Take(MemoryWalk::Detail::kCategories, kBudget).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(absl::StrContains(status.message(), "/nonexistent/self/smaps"));
}

// --- This process ------------------------------------------------------------

TEST(MemoryWalkTest, AnotherMallocsHeapIsNotGlibcs) {
  MemoryWalkOptions options;
  options.malloc_is_glibc = [] { return false; };
  MemoryWalk walk(options);
  const NativeMemoryStats stats =
      Must(walk.Take(MemoryWalk::Detail::kCategories, kBudget));
  EXPECT_EQ(Find(stats, "Other Malloc").name, "Other Malloc");
  for (const char* name :
       {"Glibc Heap", "Glibc Thread Arenas", "Glibc Mmapped"}) {
    EXPECT_EQ(Find(stats, name).mmap_reserved_bytes, 0u) << name;
  }
}

TEST(MemoryWalkTest, ResidentsAddUpExactlyAndAreTheKernels) {
  // So that what the walk itself takes does not show.
  const std::unique_ptr<char[]> ballast(new char[64 * kMiB]);
  std::memset(ballast.get(), 1, 64 * kMiB);
  WalkThisProcess();
  const NativeMemoryStats stats = WalkThisProcess();
  EXPECT_EQ(SumOfResidents(stats), stats.resident_bytes);
  uint64_t by_mapping = 0;
  for (const OwnedMapping& mapping : stats.mappings) {
    by_mapping += mapping.resident_bytes;
  }
  EXPECT_EQ(by_mapping, stats.resident_bytes);

  std::ifstream rollup("/proc/self/smaps_rollup");
  std::string word;
  uint64_t kibibytes = 0;
  while (rollup >> word && word != "Rss:") {
  }
  rollup >> kibibytes;
  const double page_a_mapping = 4096.0 * stats.mapping_count;
  EXPECT_NEAR(static_cast<double>(stats.resident_bytes), 1024.0 * kibibytes,
              page_a_mapping);
}

TEST(MemoryWalkTest, FindsThePoolsMemoryToTheByte) {
  PoolOptions options;
  options.max_direct_memory_bytes = 256 * kMiB;
  options.arenas = 1;
  options.sampling = false;
  auto pool = PooledAllocator::Create(options);
  ASSERT_TRUE(pool.ok()) << pool.status();
  std::vector<void*> blocks;
  for (int i = 0; i < 20; ++i) {
    blocks.push_back((*pool)->Allocate(kMiB));
    std::memset(blocks.back(), 1, kMiB);
  }
  void* huge = (*pool)->Allocate(9 * kMiB);
  std::memset(huge, 1, 9 * kMiB);
  const NativeMemoryStats stats = WalkThisProcess();
  const AllocatorStats pool_stats = (*pool)->Stats();

  const NativeMemoryCategoryStats chunks = Find(stats, "Pool Arenas");
  EXPECT_EQ(chunks.mmap_reserved_bytes, pool_stats.arenas[0].reserved_bytes);
  EXPECT_EQ(chunks.live_count,
            pool_stats.arenas[0].reserved_bytes / (4 * kMiB));
  EXPECT_GE(chunks.resident_bytes, 20 * kMiB);
  const NativeMemoryCategoryStats large = Find(stats, "Pool Huge");
  EXPECT_EQ(large.mmap_reserved_bytes, 9 * kMiB);
  EXPECT_EQ(large.live_count, 1u);
  EXPECT_EQ(large.resident_bytes, 9 * kMiB);
  uint64_t metadata_bytes = 0;
  for (const PoolRange& range : PooledAllocator::Ranges()) {
    if (range.use == PoolRange::Use::kMetadata) metadata_bytes += range.bytes;
  }
  EXPECT_EQ(Find(stats, "Pool Metadata").mmap_reserved_bytes, metadata_bytes);
  EXPECT_EQ(At(stats, blocks[0]).category, "Pool Arenas");
  EXPECT_EQ(At(stats, blocks[0]).detail, "arena 0");
  EXPECT_EQ(At(stats, huge).category, "Pool Huge");
  (*pool)->Free(huge);
  for (void* block : blocks) (*pool)->Free(block);
}

TEST(MemoryWalkTest, FindsEveryThreadsStackToThePage) {
  constexpr int kThreads = 8;
  struct Stack {
    uint64_t start = 0;
    uint64_t end = 0;
    uint64_t guard_bytes = 0;
    std::string detail;
  };
  std::promise<Stack> stacks[kThreads];
  std::promise<void> done;
  const std::shared_future<void> end = done.get_future().share();
  std::vector<std::thread> threads;
  for (std::promise<Stack>& stack : stacks) {
    threads.emplace_back([&stack, end] {
      pthread_attr_t attributes;
      pthread_getattr_np(pthread_self(), &attributes);
      void* base = nullptr;
      size_t bytes = 0;
      size_t guard_bytes = 0;
      pthread_attr_getstack(&attributes, &base, &bytes);
      pthread_attr_getguardsize(&attributes, &guard_bytes);
      pthread_attr_destroy(&attributes);
      const uint64_t start = reinterpret_cast<uint64_t>(base);
      stack.set_value({start, start + bytes, guard_bytes,
                       absl::StrCat("thread ", gettid())});
      end.wait();
    });
  }
  std::vector<Stack> expected;
  for (std::promise<Stack>& stack : stacks) {
    expected.push_back(stack.get_future().get());
  }
  const NativeMemoryStats stats = WalkThisProcess();
  for (const Stack& stack : expected) {
    const OwnedMapping found = At(stats, reinterpret_cast<void*>(stack.start));
    EXPECT_EQ(found.category, "Thread Stacks");
    EXPECT_EQ(found.detail, stack.detail);
    EXPECT_EQ(found.start, stack.start);
    EXPECT_EQ(found.end, stack.end);
    const OwnedMapping guard =
        At(stats, reinterpret_cast<void*>(stack.start - 1));
    EXPECT_EQ(guard.detail, stack.detail);
    EXPECT_EQ(guard.end - guard.start, stack.guard_bytes);
    EXPECT_EQ(
        At(stats, reinterpret_cast<void*>(stack.end)).detail == stack.detail,
        false);
  }
  const NativeMemoryCategoryStats category = Find(stats, "Thread Stacks");
  // Not those that glibc keeps for the next thread, nor the two of main().
  EXPECT_GE(category.threads, kThreads + 1u);
  EXPECT_LE(category.threads, EntriesOf("/proc/self/task"));
  EXPECT_GT(category.live_count, category.threads);
  EXPECT_EQ(At(stats, &expected).category, "Thread Stacks");
  done.set_value();
  for (std::thread& thread : threads) thread.join();
}

// Else a walk over some TiB would bring GiB of page tables.
TEST(MemoryWalkTest, ReadsNoPageThatWasNeverTouched) {
  constexpr size_t kBytes = size_t{64} << 30;
  void* mapped = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(mapped, MAP_FAILED);
  madvise(mapped, kBytes, MADV_NOHUGEPAGE);
  char* const bytes = static_cast<char*>(mapped);
  bytes[kBytes / 2 + 4096] = 1;
  const NativeMemoryStats stats = WalkThisProcess();
  EXPECT_EQ(At(stats, bytes + kBytes / 2).category, "Unknown");
  const uint64_t address = reinterpret_cast<uint64_t>(bytes);
  EXPECT_EQ(OwnResidentBytes(address, address + kBytes), 4096u);
  munmap(mapped, kBytes);
}

TEST(MemoryWalkTest, FindsCodeAndItsData) {
  static int zeroed[4096];
  zeroed[17] = 1;
  const NativeMemoryStats stats = WalkThisProcess();
  EXPECT_EQ(At(stats, zeroed).category, "Code");
  EXPECT_EQ(At(stats, reinterpret_cast<void*>(&WalkThisProcess)).category,
            "Code");
  EXPECT_EQ(At(stats, reinterpret_cast<void*>(&std::strlen)).category, "Code");
}

TEST(MemoryWalkTest, FindsFilesAndSharedMemory) {
  const std::string path = testing::TempDir() + "/a mapped\nfile";
  std::ofstream(path) << std::string(8192, 'x');
  std::FILE* file = std::fopen(path.c_str(), "r");
  ASSERT_NE(file, nullptr);
  void* mapped = mmap(nullptr, 8192, PROT_READ, MAP_PRIVATE, fileno(file), 0);
  unlink(path.c_str());
  void* shared = mmap(nullptr, 8192, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  const int memory_file = memfd_create("mine", MFD_CLOEXEC);
  ASSERT_EQ(ftruncate(memory_file, 4096), 0);
  void* memory =
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memory_file, 0);
  const NativeMemoryStats stats = WalkThisProcess();
  EXPECT_EQ(At(stats, mapped).category, "Mapped Files");
  EXPECT_TRUE(
      absl::StrContains(At(stats, mapped).name, "/a mapped\\012file (deleted)"))
      << At(stats, mapped).name;
  EXPECT_EQ(At(stats, shared).category, "Shared Memory");
  EXPECT_EQ(At(stats, memory).category, "Shared Memory");
  munmap(mapped, 8192);
  munmap(shared, 8192);
  munmap(memory, 4096);
  close(memory_file);
  std::fclose(file);
}

}  // namespace
}  // namespace poolscope
