#include "poolscope/metrics/native_memory/native_memory_category.h"

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace poolscope {
namespace {

// "Test A", "Test B", ...: another with each call, as none can be taken back.
NativeMemoryCategory* NewCategory() {
  static char letter = 'A';
  return NativeMemoryCategory::Register(
             absl::StrCat("Test ", std::string(1, letter++)))
      .value();
}

TEST(NativeMemoryCategoryTest, TakesNamesThatEveryToolReads) {
  for (const char* name :
       {"Tls", "Route Table", "Go", "Abcdefghijklmnopqrstuvwxyz"}) {
    EXPECT_TRUE(NativeMemoryCategory::CheckName(name).ok()) << name;
  }
  for (const char* name :
       {"", "A", "tls", "TLS1.3", "Arena 0", "Route_Table", "Route-Table",
        " Tls", "Tls ", "Route  Table", "Tls\n", "T\xc3\xa4gs",
        "Abcdefghijklmnopqrstuvwxyza"}) {
    const absl::Status status = NativeMemoryCategory::CheckName(name);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_EQ(NativeMemoryCategory::Register(name).status(), status);
  }
  EXPECT_EQ(NativeMemoryCategory::CheckName("Arena 0").message(),
            "native memory category \"Arena 0\": the name must have 2 to 26 "
            "letters and single blanks, and begin with an upper-case letter");
}

TEST(NativeMemoryCategoryTest, NamesAreUniqueWhateverTheirCase) {
  ASSERT_TRUE(NativeMemoryCategory::Register("Unique").ok());
  for (const char* name : {"Unique", "UNIQUE", "Total", "Unknown", "Glibc Heap",
                           "GLIBC Heap", "Other Malloc", "Sidecar"}) {
    EXPECT_EQ(NativeMemoryCategory::Register(name).status().code(),
              absl::StatusCode::kAlreadyExists)
        << name;
  }
}

TEST(NativeMemoryCategoryTest, CountsWhatIsInUse) {
  NativeMemoryCategory* category = NewCategory();
  category->RecordMalloc(1000);
  category->RecordMalloc(24);
  category->RecordFree(1000);
  category->RecordReserve(1 << 20);
  category->RecordCommit(8192);
  category->RecordUncommit(4096);
  NativeMemoryTag tag = category->Read();
  EXPECT_EQ(tag.name, category->name());
  EXPECT_EQ(tag.malloc_bytes, 24u);
  EXPECT_EQ(tag.malloc_count, 1u);
  EXPECT_EQ(tag.reserved_bytes, uint64_t{1} << 20);
  EXPECT_EQ(tag.committed_bytes, 4096u);
  category->RecordUncommit(4096);
  category->RecordRelease(1 << 20);
  category->RecordFree(24);
  tag = category->Read();
  EXPECT_EQ(tag.malloc_bytes, 0u);
  EXPECT_EQ(tag.malloc_count, 0u);
  EXPECT_EQ(tag.reserved_bytes, 0u);
  EXPECT_EQ(tag.committed_bytes, 0u);
}

TEST(NativeMemoryCategoryTest, WhatNobodyRecordedIsNotNegative) {
  NativeMemoryCategory* category = NewCategory();
  category->RecordFree(100);
  category->RecordUncommit(4096);
  category->RecordRelease(4096);
  category->RecordCommit(8192);  // of nothing reserved
  const NativeMemoryTag tag = category->Read();
  EXPECT_EQ(tag.malloc_bytes, 0u);
  EXPECT_EQ(tag.malloc_count, 0u);
  EXPECT_EQ(tag.reserved_bytes, 0u);
  EXPECT_EQ(tag.committed_bytes, 0u);
}

TEST(NativeMemoryCategoryTest, PeaksAreSeenWithinAStepWithoutASnapshot) {
  NativeMemoryCategory* category = NewCategory();
  for (int i = 0; i < 1000; ++i) category->RecordMalloc(100);
  for (int i = 0; i < 1000; ++i) category->RecordFree(100);
  uint64_t peak = category->Read().peak_committed_bytes;
  EXPECT_LE(peak, 100000u);
  EXPECT_GE(peak, 100000u - 16384u);
  // A step is passed at once; mappings count with blocks.
  category->RecordReserve(1 << 20);
  category->RecordCommit(1 << 20);
  category->RecordMalloc(65536);
  category->RecordFree(65536);
  category->RecordUncommit(1 << 20);
  category->RecordRelease(1 << 20);
  EXPECT_EQ(category->Read().peak_committed_bytes, (1u << 20) + 65536u);
}

TEST(NativeMemoryCategoryTest, APeakIsNeverBelowWhatIsInUse) {
  NativeMemoryCategory* category = NewCategory();
  category->RecordMalloc(5);
  EXPECT_EQ(category->Read().peak_committed_bytes, 5u);
}

TEST(NativeMemoryCategoryTest, SnapshotHasEveryCategoryInOrder) {
  const size_t before = NativeMemoryCategory::Snapshot().size();
  const size_t overhead = NativeMemoryCategory::OverheadBytes();
  NativeMemoryCategory* first = NewCategory();
  NativeMemoryCategory* second = NewCategory();
  second->RecordMalloc(77);
  const std::vector<NativeMemoryTag> tags = NativeMemoryCategory::Snapshot();
  ASSERT_EQ(tags.size(), before + 2);
  EXPECT_EQ(tags[before].name, first->name());
  EXPECT_EQ(tags[before].malloc_bytes, 0u);
  EXPECT_EQ(tags[before + 1].name, second->name());
  EXPECT_EQ(tags[before + 1].malloc_bytes, 77u);
  EXPECT_EQ(NativeMemoryCategory::OverheadBytes() - overhead,
            2 * sizeof(NativeMemoryCategory));
}

// What was there before stays while blocks come and go: a sum that had a free
// and not its allocation would be below that.
TEST(NativeMemoryCategoryTest, EightThreadsNeverShowMoreFreedThanAllocated) {
  constexpr int kThreads = 8;
  constexpr int kBlocks = 300000;
  constexpr uint64_t kBytes = 4096;
  constexpr uint64_t kKept = 1 << 30;
  NativeMemoryCategory* category = NewCategory();
  category->RecordReserve(kKept);
  category->RecordCommit(kKept);
  category->RecordMalloc(kKept);
  std::atomic<int> running{kThreads};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int block = 0; block < kBlocks; ++block) {
        category->RecordReserve(kBytes);
        category->RecordCommit(kBytes);
        category->RecordMalloc(kBytes);
        category->RecordFree(kBytes);
        category->RecordUncommit(kBytes);
        category->RecordRelease(kBytes);
      }
      running.fetch_sub(1);
    });
  }
  int torn = 0;
  while (running.load() > 0) {
    const NativeMemoryTag tag = category->Read();
    if (tag.malloc_bytes < kKept || tag.malloc_count < 1 ||
        tag.committed_bytes < kKept ||
        tag.committed_bytes > tag.reserved_bytes ||
        tag.peak_committed_bytes < tag.malloc_bytes + tag.committed_bytes) {
      ++torn;
    }
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(torn, 0);
  const NativeMemoryTag tag = category->Read();
  EXPECT_EQ(tag.malloc_bytes, kKept);
  EXPECT_EQ(tag.malloc_count, 1u);
  EXPECT_EQ(tag.reserved_bytes, kKept);
  EXPECT_EQ(tag.committed_bytes, kKept);
}

TEST(NativeMemoryCategoryTest, ThreadsRegisterAndCountAtOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> registered{0};
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      absl::StatusOr<NativeMemoryCategory*> mine =
          NativeMemoryCategory::Register("Contended");
      if (mine.ok()) {
        registered.fetch_add(1);
        (*mine)->RecordMalloc(1);
      }
      for (const NativeMemoryTag& tag : NativeMemoryCategory::Snapshot()) {
        EXPECT_FALSE(tag.name.empty());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(registered.load(), 1);
}

// The last, as it leaves no room.
TEST(NativeMemoryCategoryTest, ZzRefusesMoreThanThereIsRoomFor) {
  std::string name = "Aa";
  absl::Status status;
  size_t count = NativeMemoryCategory::Snapshot().size();
  for (; status.ok() && count < 100; ++count) {
    name[0] = static_cast<char>('A' + count % 26);
    name[1] = static_cast<char>('a' + count / 26);
    status = NativeMemoryCategory::Register(name).status();
  }
  --count;  // the one that was refused
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(count, NativeMemoryCategory::kMaxCategories);
  EXPECT_EQ(NativeMemoryCategory::Snapshot().size(), count);
}

}  // namespace
}  // namespace poolscope
