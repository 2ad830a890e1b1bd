#include "poolscope/metrics/process/attribution.h"

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "poolscope/metrics/process/glibc_blocks.h"
#include "poolscope/tests/metrics/process/fake_process.h"

namespace poolscope {
namespace {

constexpr uint64_t kHeap = 0x7f0000000000;  // a multiple of 64 MiB
constexpr uint64_t kHeapEnd = kHeap + kGlibcHeapAlignment;

std::string OwnerOf(const char* permissions, const std::string& name,
                    uint64_t inode = 0) {
  FakeProcess process;
  process.Add(0x1000, 0x2000, permissions, 0x1000, name, inode);
  return std::string(MemoryOwnerName(process.Ranges().at(0).owner));
}

TEST(AttributionTest, GoesByNameWhereThereIsOne) {
  EXPECT_EQ(OwnerOf("rw-p", "[heap]"), "Glibc Heap");
  EXPECT_EQ(OwnerOf("rw-p", "[stack]"), "Thread Stacks");
  EXPECT_EQ(OwnerOf("rw-p", "[stack:4711]"), "Thread Stacks");
  for (const char* name : {"[vdso]", "[vvar]", "[vvar_vclock]", "[uprobes]"}) {
    EXPECT_EQ(OwnerOf("r--p", name), "Code") << name;
  }
  EXPECT_EQ(OwnerOf("--xp", "[vsyscall]"), "Code");
  EXPECT_EQ(OwnerOf("r-xp", "/usr/lib/libc.so.6", 5), "Code");
  EXPECT_EQ(OwnerOf("rwxp", ""), "Code") << "a just-in-time compiler's";
  EXPECT_EQ(OwnerOf("r--p", "/var/data (deleted)", 5), "Mapped Files");
  EXPECT_EQ(OwnerOf("rw-s", "/var/data", 5), "Mapped Files");
  EXPECT_EQ(OwnerOf("rw-s", "anon_inode:[io_uring]", 5), "Mapped Files");
  for (const char* name :
       {"/dev/shm/a", "/memfd:a (deleted)", "/SYSV00000000 (deleted)",
        "/dev/zero (deleted)", "[anon_shmem:mine]", "/anon_hugepage (deleted)",
        ""}) {
    EXPECT_EQ(OwnerOf("rw-s", name, 5), "Shared Memory") << name;
  }
  EXPECT_EQ(OwnerOf("rw-p", ""), "Unknown");
  EXPECT_EQ(OwnerOf("rw-p", "[anon:mine]"), "Unknown");
  EXPECT_EQ(OwnerOf("rw-p", "/anon_hugepage (deleted)", 5), "Unknown");
  EXPECT_EQ(OwnerOf("---p", ""), "Unknown");
}

TEST(AttributionTest, HostileNamesAreFilesLikeOthers) {
  for (const char* name : {"/[heap]", "/[stack]", "heap", "/a\\012[heap]",
                           "/\xff\xfe", "/dev/shmother", "//memfd:x"}) {
    EXPECT_EQ(OwnerOf("rw-p", name, 5), "Mapped Files") << name;
  }
}

TEST(AttributionTest, NothingIsGlibcsUnderAnotherMalloc) {
  FakeProcess process;
  process.malloc_is_glibc = false;
  process.Add(0x1000, 0x2000, "rw-p", 0x1000, "[heap]");
  process.Add(0x10000, 0x15000, "rw-p", 0x1000);
  process.Write(0x10000, {0, 0x5002});
  process.Add(kHeap, kHeap + 0x21000, "rw-p", 0x1000);
  process.Write(kHeap, {kHeap + 0x30, 0, 0x21000, 0x21000});
  process.Add(kHeap + 0x21000, kHeapEnd, "---p");
  for (const OwnedRange& range : process.Ranges()) {
    EXPECT_EQ(range.owner, range.start == 0x1000 ? MemoryOwner::kOtherMalloc
                                                 : MemoryOwner::kUnknown);
  }
  EXPECT_EQ(process.reads, 0);
}

TEST(AttributionTest, ClaimsCutMappingsToTheByte) {
  FakeProcess process;
  process.Add(0x10000, 0x20000, "rw-p", 0x6000);
  process.Add(0x20000, 0x30000, "rw-p", 0x1000);
  process.claims = {
      {0x18000, 0x24000, MemoryOwner::kPoolArenas, "arena 1"},
      {0x12000, 0x14000, MemoryOwner::kPoolMetadata, ""},
      {0x16000, 0x18000, MemoryOwner::kPoolArenas, "arena 0"},
      {0x1000, 0x8000, MemoryOwner::kPoolHuge, "elsewhere"},
  };
  process.measured = {
      {0x10000, 0}, {0x12000, 0x1000}, {0x14000, 0x1000}, {0x20000, 0x1000}};
  EXPECT_EQ(process.Attributed(),
            "10000-12000 Unknown 0~ #1\n"
            "12000-14000 Pool Metadata 1000~ #1\n"
            "14000-16000 Unknown 1000~ #1\n"
            "16000-20000 Pool Arenas 4000~ #2\n"
            "20000-24000 Pool Arenas 1000~ #0 arena 1\n"
            "24000-30000 Unknown 0~ #1\n");
}

TEST(AttributionTest, OfTwoClaimsTheOneThatBeginsFirstHasTheByte) {
  FakeProcess process;
  process.Add(0x10000, 0x20000, "rw-p");
  process.claims = {{0x14000, 0x18000, MemoryOwner::kCode, "late"},
                    {0x12000, 0x16000, MemoryOwner::kPoolHuge, ""},
                    {0x13000, 0x14000, MemoryOwner::kCode, "inside"},
                    {0x12000, 0x16000, MemoryOwner::kPoolHuge, "again"}};
  EXPECT_EQ(process.Attributed(),
            "10000-12000 Unknown 0 #1\n"
            "12000-16000 Pool Huge 0 #1\n"
            "16000-18000 Code 0 #1 late\n"
            "18000-20000 Unknown 0 #1\n");
}

TEST(AttributionTest, MmappedChunksAreFoundOneAfterTheOther) {
  FakeProcess process;
  process.Add(0x10000, 0x40000, "rw-p", 0x20000);
  process.Write(0x10000, {0, 0x8002});
  process.Write(0x18000, {0, 0x21002});
  // The rest is no chunk: it would end beyond the mapping.
  process.Write(0x39000, {0, 0x8002});
  process.measured = {{0x39000, 0x2000}};
  EXPECT_EQ(process.Attributed(),
            "10000-39000 Glibc Mmapped 1e000~ #2\n"
            "39000-40000 Unknown 2000~ #1\n");
}

TEST(AttributionTest, MemoryOfNoKnownOwnerIsReadAtItsStartAlone) {
  FakeProcess process;
  process.Add(0x10000, 0x40000, "rw-p", 0x30000);
  EXPECT_EQ(process.Ranges()[0].owner, MemoryOwner::kUnknown);
  EXPECT_EQ(process.reads, 1);
}

TEST(AttributionTest, WhatWasNeverWrittenIsNotRead) {
  FakeProcess process;
  process.Add(0x10000, 0x40000, "rw-p", 0);
  process.Add(0x50000, 0x60000, "r--p", 0x1000);
  process.Attributed();
  EXPECT_EQ(process.reads, 0);
}

TEST(AttributionTest, HeapsOfThreadArenasHoldTheirReserve) {
  FakeProcess process;
  process.Add(kHeap, kHeap + 0x21000, "rw-p", 0x3000);
  process.Write(kHeap, {kHeap + 0x30, 0, 0x20000, 0x21000});
  process.Add(kHeap + 0x21000, kHeapEnd + 0x1000, "---p");
  process.Add(kHeapEnd + 0x1000, kHeapEnd + 0x2000, "rw-p", 0x1000);
  EXPECT_EQ(process.Attributed(),
            "7f0000000000-7f0000021000 Glibc Thread Arenas 3000 #1\n"
            "7f0000021000-7f0004000000 Glibc Thread Arenas 0 #0\n"
            "7f0004000000-7f0004001000 Unknown 0 #1\n"
            "7f0004001000-7f0004002000 Unknown 1000 #1\n");
}

TEST(AttributionTest, FullHeapsThatTheKernelMergedAreTwo) {
  FakeProcess process;
  // Below them something else, merged too; a mapping of 128 MiB and more.
  process.Add(kHeap - 0x1000, kHeapEnd + 0x5000, "rw-p", 0x4001000);
  process.Write(kHeap,
                {kHeap + 0x20, 0, kGlibcHeapAlignment, kGlibcHeapAlignment});
  process.Write(kHeapEnd, {kHeap + 0x20, kHeap, 0x4000, 0x5000});
  process.measured = {{kHeap - 0x1000, 0x1000}};
  process.Add(kHeapEnd + 0x5000, kHeapEnd + kGlibcHeapAlignment, "---p");
  EXPECT_EQ(process.Attributed(),
            "7efffffff000-7f0000000000 Unknown 1000~ #1\n"
            "7f0000000000-7f0004005000 Glibc Thread Arenas 4000000~ #2\n"
            "7f0004005000-7f0008000000 Glibc Thread Arenas 0 #0\n");
}

TEST(AttributionTest, AHeapThatCannotBeReadIsKnownByItsReserveAlone) {
  FakeProcess process;
  process.readable = false;
  process.Add(kHeap, kHeap + 0x21000, "rw-p", 0x3000);
  process.Add(kHeap + 0x21000, kHeapEnd, "---p");
  EXPECT_EQ(process.Ranges()[0].owner, MemoryOwner::kGlibcThreadArenas);
  EXPECT_EQ(process.Ranges()[1].owner, MemoryOwner::kGlibcThreadArenas);
  process.mappings[1].end -= 0x1000;
  EXPECT_EQ(process.Ranges()[0].owner, MemoryOwner::kUnknown);
  EXPECT_EQ(process.Ranges()[1].owner, MemoryOwner::kUnknown);
}

TEST(AttributionTest, AnAlignedMappingThatOnlyLooksLikeAHeapIsNone) {
  const uint64_t good[] = {kHeap + 0x30, 0, 0x20000, 0x21000};
  ASSERT_EQ(GlibcHeapBytes(kHeap, good), 0x21000u);
  const struct {
    int word;
    uint64_t value;
  } kBad[] = {
      {0, 0},
      {0, kHeap},
      {0, kHeap + 0x1000},
      {0, kHeap + 0x31},
      {0, 0x30},
      {0, kHeapEnd + 0x30},
      {1, kHeap},
      {1, kHeapEnd},
      {1, 1},
      {2, 0},
      {2, 0x20001},
      {2, 0x22000},
      {3, 0x21001},
      {3, 0x1f000},
      {3, kGlibcHeapAlignment + 0x1000},
  };
  for (const auto& bad : kBad) {
    uint64_t words[] = {good[0], good[1], good[2], good[3]};
    words[bad.word] = bad.value;
    EXPECT_EQ(GlibcHeapBytes(kHeap, words), 0u)
        << bad.word << " " << std::hex << bad.value;
  }
}

TEST(AttributionTest, AMmappedChunkIsWholePagesWithinItsMapping) {
  const auto bytes = [](uint64_t lead, uint64_t size) {
    const uint64_t words[] = {lead, size};
    return GlibcMmappedBytes(words, 0x10000);
  };
  EXPECT_EQ(bytes(0, 0x1002), 0x1000u);
  EXPECT_EQ(bytes(0, 0x10002), 0x10000u);
  EXPECT_EQ(bytes(0, 0x11002), 0u);
  for (const uint64_t size : {0x1000, 0x1001, 0x1003, 0x1006, 0x1012, 2, 0}) {
    EXPECT_EQ(bytes(0, size), 0u) << size;
  }
  EXPECT_EQ(bytes(0x10, 0x1002), 0u);
}

TEST(AttributionTest, AStackGoesFromItsGuardToItsAnchor) {
  FakeProcess process;
  process.Add(0x10000, 0x11000, "---p");
  // A mmapped chunk above the stack, merged with it.
  process.Add(0x11000, 0x28000, "rw-p", 0x9000);
  process.Write(0x19000, {0, 0xf002});
  process.threads = {{7, 0x18a20, 0x18740, false}};
  process.measured = {{0x11000, 0x2000}};
  EXPECT_EQ(process.Attributed(),
            "10000-11000 Thread Stacks 0 #1 thread 7\n"
            "11000-19000 Thread Stacks 2000~ #0 thread 7\n"
            "19000-28000 Glibc Mmapped 7000~ #1\n");
}

TEST(AttributionTest, StacksWithoutGuardsEndAtTheNextOrAtTheDefault) {
  FakeProcess process;
  process.Add(0x10000, 0x80000, "rw-p");
  process.threads = {{8, 0x7fa20, 0x7f740, false},
                     {7, 0x77a20, 0x77740, false}};
  EXPECT_EQ(process.Attributed(),
            "10000-68000 Unknown 0 #1\n"
            "68000-78000 Thread Stacks 0 #1 thread 7\n"
            "78000-80000 Thread Stacks 0 #1 thread 8\n");
}

TEST(AttributionTest, AStackInMemoryOfThePoolOrTheHeapIsTheirs) {
  FakeProcess process;
  process.Add(0x10000, 0x20000, "rw-p", 0, "[heap]");
  process.Add(0x30000, 0x40000, "rw-p");
  process.claims = {{0x30000, 0x40000, MemoryOwner::kPoolHuge, ""}};
  process.threads = {
      {7, 0x18a20, 0, false}, {8, 0x38a20, 0, false}, {9, 0x58a20, 0, false}};
  EXPECT_EQ(process.Attributed(),
            "10000-20000 Glibc Heap 0 #1\n"
            "30000-40000 Pool Huge 0 #1\n");
}

TEST(AttributionTest, AStackInAnothersMemoryHasItsBoundsAlone) {
  FakeProcess process;
  process.Add(0x10000, 0x30000, "rw-p");
  ThreadAnchor thread;
  thread.thread_id = 7;
  thread.address = 0x1ff40;
  thread.descriptor = 0x1ff00;
  thread.stack_start = 0x18040;
  thread.stack_end = 0x20040;
  process.threads = {thread};
  EXPECT_EQ(process.Attributed(),
            "10000-18040 Unknown 0 #1\n"
            "18040-20040 Thread Stacks 0 #1 thread 7\n"
            "20040-30000 Unknown 0 #1\n");
}

TEST(AttributionTest, AHeapOrChunkGoesOnBehindAStackInIt) {
  FakeProcess process;
  process.Add(0x10000, 0x40000, "rw-p", 0x30000);
  process.Write(0x10000, {0, 0x28002});
  process.Add(kHeap, kHeapEnd, "rw-p", 0x3000);
  process.Write(kHeap, {kHeap + 0x30, 0, 0x20000, kGlibcHeapAlignment});
  ThreadAnchor in_chunk;
  in_chunk.thread_id = 7;
  in_chunk.address = 0x1ff40;
  in_chunk.stack_start = 0x18000;
  in_chunk.stack_end = 0x20000;
  ThreadAnchor in_heap = in_chunk;
  in_heap.address += kHeap;
  in_heap.stack_start += kHeap;
  in_heap.stack_end += kHeap;
  process.threads = {in_chunk, in_heap};
  EXPECT_EQ(process.Attributed(),
            "10000-18000 Glibc Mmapped 8000~ #1\n"
            "18000-20000 Thread Stacks 8000~ #1 thread 7\n"
            "20000-38000 Glibc Mmapped 18000~ #0\n"
            "38000-40000 Unknown 8000~ #1\n"
            "7f0000000000-7f0000018000 Glibc Thread Arenas 0~ #1\n"
            "7f0000018000-7f0000020000 Thread Stacks 0~ #1 thread 7\n"
            "7f0000020000-7f0004000000 Glibc Thread Arenas 3000~ #0\n");
}

TEST(AttributionTest, AStackKeptForTheNextThreadIsKnownByItsDescriptor) {
  FakeProcess process;
  for (const uint64_t guard : {0x10000, 0x20000, 0x30000}) {
    process.Add(guard, guard + 0x1000, "---p");
    process.Add(guard + 0x1000, guard + 0x9000, "rw-p", 0x2000);
    const uint64_t descriptor = guard + 0x8740;
    if (guard != 0x30000)
      process.Write(descriptor, {descriptor, 1, descriptor});
  }
  EXPECT_EQ(process.Ranges()[3].owner, MemoryOwner::kUnknown)
      << "nobody lives whose descriptor shows where to look";
  process.threads = {{7, 0x18a20, 0x18740, false}};
  EXPECT_EQ(process.Attributed(),
            "10000-11000 Thread Stacks 0 #1 thread 7\n"
            "11000-19000 Thread Stacks 2000 #0 thread 7\n"
            "20000-21000 Thread Stacks 0 #1 kept for the next thread\n"
            "21000-29000 Thread Stacks 2000 #0 kept for the next thread\n"
            "30000-31000 Unknown 0 #1\n"
            "31000-39000 Unknown 2000 #1\n");
}

TEST(AttributionTest, TheMainThreadsStorageIsSmallOrNotItsOwn) {
  for (const uint64_t bytes : {0x40000, 0x41000}) {
    FakeProcess process;
    process.Add(0x10000, 0x10000 + bytes, "rw-p");
    process.threads = {{7, 0x10a20, 0x10740, true}};
    EXPECT_EQ(process.Ranges()[0].owner, bytes == 0x40000
                                             ? MemoryOwner::kThreadStacks
                                             : MemoryOwner::kUnknown);
  }
}

TEST(AttributionTest, ResidentsAddUpWhateverIsMeasured) {
  for (const uint64_t measured : {0x0, 0x2000, 0x3000, 0x100000}) {
    for (const uint64_t resident : {0x0, 0x1000, 0x5000, 0x9000, 0x100000}) {
      FakeProcess process;
      process.Add(0x10000, 0x19000, "rw-p", resident);
      process.claims = {{0x11000, 0x14000, MemoryOwner::kPoolArenas, ""},
                        {0x14000, 0x15000, MemoryOwner::kPoolMetadata, ""}};
      process.measured = {{0x11000, measured}, {0x14000, measured}};
      uint64_t sum = 0;
      for (const OwnedRange& range : process.Ranges()) {
        sum += range.resident_bytes;
        EXPECT_EQ(range.resident_is_estimate, resident != 0);
        if (resident <= 0x9000) {
          EXPECT_LE(range.resident_bytes, range.bytes());
        }
      }
      EXPECT_EQ(sum, resident) << measured;
    }
  }
}

TEST(AttributionTest, WhatCannotBeMeasuredIsSharedBySize) {
  FakeProcess process;
  process.Add(0x10000, 0x20000, "rw-p", 0x8000);
  process.claims = {{0x10000, 0x14000, MemoryOwner::kPoolArenas, ""}};
  EXPECT_EQ(process.Attributed(),
            "10000-14000 Pool Arenas 2000~ #1\n"
            "14000-20000 Unknown 6000~ #1\n");
}

// Whatever the mappings, claims, threads and contents: the pieces cover the
// mappings exactly and in order, and residents add up.
TEST(AttributionTest, EveryByteOfARandomProcessHasOneOwner) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 2000; ++round) {
    FakeProcess process;
    process.readable = random() % 8 != 0;
    const auto pages = [&](uint64_t most) { return random() % most * 0x1000; };
    uint64_t at = kHeap - 0x20000;
    for (int i = 0; i < 12; ++i) {
      const uint64_t start = at + (random() % 2 ? pages(8) : 0);
      at = start + 0x1000 + pages(40);
      const char* kinds[] = {"rw-p", "rw-p", "---p", "r--p", "r-xp", "rw-s"};
      const char* names[] = {"", "", "", "", "[heap]", "/file"};
      process.Add(start, at, kinds[random() % 6], random() % (at - start + 1),
                  names[random() % 6]);
      process.Write(start, {0, pages(40) | 2});
      if (random() % 2) process.measured[start] = pages(60);
    }
    process.Write(kHeap, {kHeap + 0x30, 0, 0x1000, 0x1000 + pages(30)});
    for (int i = 0; i < 6; ++i) {
      const uint64_t start = kHeap - 0x20000 + pages(300);
      process.claims.push_back(
          {start, start + pages(30), MemoryOwner::kPoolArenas, ""});
      const uint64_t anchor = kHeap - 0x20000 + random() % 0x100000;
      process.threads.push_back({i, anchor, anchor - 0x2e0, i == 0});
    }
    std::vector<OwnedRange> ranges = process.Ranges();
    size_t next = 0;
    for (size_t i = 0; i < process.mappings.size(); ++i) {
      uint64_t covered = process.mappings[i].start;
      uint64_t resident = 0;
      for (; next < ranges.size() && ranges[next].mapping == i; ++next) {
        ASSERT_EQ(ranges[next].start, covered);
        ASSERT_LT(covered, ranges[next].end);
        covered = ranges[next].end;
        resident += ranges[next].resident_bytes;
      }
      ASSERT_EQ(covered, process.mappings[i].end);
      ASSERT_EQ(resident, process.mappings[i].resident_bytes);
    }
    ASSERT_EQ(next, ranges.size());
  }
}

}  // namespace
}  // namespace poolscope
