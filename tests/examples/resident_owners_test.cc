// Whose each resident byte is.
#include "poolscope/examples/demo/resident_owners.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "poolscope/examples/demo/smaps.h"

namespace poolscope::demo {
namespace {

constexpr uint64_t kHeap = 64 << 20;

SmapsMapping Anonymous(uint64_t begin, uint64_t size, uint64_t resident) {
  SmapsMapping mapping;
  mapping.begin = begin;
  mapping.end = begin + size;
  mapping.writable = true;
  mapping.accessible = true;
  mapping.resident_bytes = resident;
  return mapping;
}

SmapsMapping Named(SmapsMapping mapping, const std::string& name) {
  mapping.name = name;
  return mapping;
}

ResidentByOwner Attribute(const std::vector<SmapsMapping>& mappings,
                          const std::vector<OwnedRange>& ranges = {}) {
  // Half of a range is resident.
  return AttributeResident(mappings, ranges, [](uint64_t begin, uint64_t end) {
    return (end - begin) / 2;
  });
}

TEST(ResidentOwnersTest, TellsMappingsByNameAndStructure) {
  SmapsMapping shared = Anonymous(9 * kHeap, 4096, 7);
  shared.shared = true;
  SmapsMapping reserved = Anonymous(10 * kHeap, 4096, 11);
  reserved.writable = false;
  const ResidentByOwner resident = Attribute({
      Named(Anonymous(4096, 8192, 100), "[heap]"),
      Named(Anonymous(kHeap, 8192, 200), "/lib/x.so"),
      Anonymous(2 * kHeap, 8192, 1000),
      Anonymous(3 * kHeap, 8192, 2000),
      Anonymous(3 * kHeap + 8192, 8192, 30),
      Named(Anonymous(5 * kHeap, 8192, 4000), "[anon:glibc]"),
      Named(Anonymous(6 * kHeap, 8192, 5), "[stack]"),
      Named(Anonymous(7 * kHeap, 8192, 6), "[vdso]"),
      shared,
      reserved,
  });
  EXPECT_EQ(resident.Of(MemoryOwner::kMainArena), 100u);
  EXPECT_EQ(resident.Of(MemoryOwner::kFiles), 206u);
  EXPECT_EQ(resident.Of(MemoryOwner::kThreadArenas), 7000u);
  EXPECT_EQ(resident.Of(MemoryOwner::kStacks), 5u);
  EXPECT_EQ(resident.Of(MemoryOwner::kOther), 30u + 7 + 11);
  EXPECT_EQ(resident.Of(MemoryOwner::kPool), 0u);
  EXPECT_EQ(resident.total(), 100u + 206 + 7000 + 5 + 48);
}

TEST(ResidentOwnersTest, TakesRangesOutOfTheirMappings) {
  const OwnedRange pool{MemoryOwner::kPool, 2 * kHeap, 2 * kHeap + 1000};
  // Across a gap between two mappings.
  const OwnedRange stack{MemoryOwner::kStacks, 3 * kHeap + 500,
                         3 * kHeap + 3000};
  const ResidentByOwner resident = Attribute(
      {
          Anonymous(2 * kHeap, 4000, 900),
          Anonymous(3 * kHeap, 1000, 600),
          Anonymous(3 * kHeap + 2000, 2000, 700),
      },
      {pool, stack});
  EXPECT_EQ(resident.Of(MemoryOwner::kPool), 500u);
  EXPECT_EQ(resident.Of(MemoryOwner::kStacks), 250u + 500);
  EXPECT_EQ(resident.Of(MemoryOwner::kThreadArenas), 400u + 350);
  EXPECT_EQ(resident.Of(MemoryOwner::kOther), 200u);
  EXPECT_EQ(resident.total(), 2200u);
}

TEST(ResidentOwnersTest, ARangeNeverHasMoreThanTheWalkSaw) {
  const ResidentByOwner resident =
      Attribute({Anonymous(2 * kHeap, 4000, 100)},
                {OwnedRange{MemoryOwner::kPool, 2 * kHeap, 2 * kHeap + 4000}});
  EXPECT_EQ(resident.Of(MemoryOwner::kPool), 100u);
  EXPECT_EQ(resident.total(), 100u);
}

TEST(ResidentOwnersTest, CountsThePagesThatAreThere) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  void* const memory = mmap(nullptr, 16 * page, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  const uint64_t begin = reinterpret_cast<uint64_t>(memory);
  EXPECT_EQ(ResidentIn(begin, begin + 16 * page), 0u);
  std::memset(memory, 1, 5 * page);
  EXPECT_EQ(ResidentIn(begin, begin + 16 * page), 5 * page);
  EXPECT_EQ(ResidentIn(begin + 4 * page, begin + 6 * page), page);
  munmap(memory, 16 * page);
  EXPECT_EQ(ResidentIn(begin, begin + 16 * page), 0u);
}

TEST(ResidentOwnersTest, FindsTheStackOfThisThread) {
  // Not of a variable, which AddressSanitizer may keep elsewhere.
  const uint64_t here = reinterpret_cast<uint64_t>(__builtin_frame_address(0));
  const OwnedRange stack = StackOf(pthread_self());
  EXPECT_LE(stack.begin, here);
  EXPECT_GT(stack.end, here);
}

TEST(ResidentOwnersTest, OfThisProcessAddsUp) {
  const absl::StatusOr<std::vector<SmapsMapping>> mappings = ReadSmaps("/proc");
  ASSERT_TRUE(mappings.ok()) << mappings.status();
  uint64_t sum = 0;
  for (const SmapsMapping& mapping : *mappings) sum += mapping.resident_bytes;
  const ResidentByOwner resident =
      AttributeResident(*mappings, {StackOf(pthread_self())}, &ResidentIn);
  EXPECT_EQ(resident.total(), sum);
  EXPECT_GT(resident.Of(MemoryOwner::kFiles), 0u);
  EXPECT_GT(resident.Of(MemoryOwner::kStacks), 0u);
}

}  // namespace
}  // namespace poolscope::demo
