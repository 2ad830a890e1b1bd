#include "poolscope/metrics/process/own_memory.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstring>

#include "absl/types/span.h"
#include "gtest/gtest.h"

namespace poolscope {
namespace {

constexpr uint64_t kPage = 4096;

char* MapPages(uint64_t pages) {
  void* mapped = mmap(nullptr, pages * kPage, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT_NE(mapped, MAP_FAILED);
  return static_cast<char*>(mapped);
}

TEST(OwnMemoryTest, ReadsWordsAndNothingThatIsNotThere) {
  char* pages = MapPages(2);
  const uint64_t address = reinterpret_cast<uint64_t>(pages);
  const uint64_t written[] = {7, 8};
  std::memcpy(pages + kPage - sizeof(written), written, sizeof(written));
  munmap(pages + kPage, kPage);
  uint64_t words[2] = {};
  EXPECT_TRUE(ReadOwnWords(address + kPage - 16, absl::MakeSpan(words)));
  EXPECT_EQ(words[0], 7u);
  EXPECT_EQ(words[1], 8u);
  EXPECT_FALSE(ReadOwnWords(address + kPage - 8, absl::MakeSpan(words)));
  EXPECT_FALSE(ReadOwnWords(address + kPage, absl::MakeSpan(words)));
  EXPECT_FALSE(ReadOwnWords(0, absl::MakeSpan(words)));
  ASSERT_EQ(mprotect(pages, kPage, PROT_NONE), 0);
  EXPECT_FALSE(ReadOwnWords(address, absl::MakeSpan(words)));
  munmap(pages, kPage);
}

TEST(OwnMemoryTest, CountsThePagesThatWereWritten) {
  constexpr uint64_t kPages = 10000;  // more than one call's worth
  char* pages = MapPages(kPages);
  const uint64_t address = reinterpret_cast<uint64_t>(pages);
  madvise(pages, kPages * kPage, MADV_NOHUGEPAGE);
  EXPECT_EQ(OwnResidentBytes(address, address + kPages * kPage), 0u);
  for (const uint64_t page : {uint64_t{0}, uint64_t{4095}, uint64_t{4096},
                              uint64_t{4097}, kPages - 1}) {
    pages[page * kPage] = 1;
  }
  EXPECT_EQ(OwnResidentBytes(address, address + kPages * kPage), 5 * kPage);
  EXPECT_EQ(OwnResidentBytes(address + kPage, address + 4096 * kPage), kPage);
  EXPECT_EQ(OwnResidentBytes(address, address), 0u);
  munmap(pages + 5000 * kPage, kPage);
  EXPECT_EQ(OwnResidentBytes(address, address + kPages * kPage), std::nullopt);
  munmap(pages, kPages * kPage);
}

TEST(OwnMemoryTest, TellsThePagesThatHoldSomethingAndFillsNone) {
  char* pages = MapPages(3);
  madvise(pages, 3 * kPage, MADV_NOHUGEPAGE);
  const uint64_t address = reinterpret_cast<uint64_t>(pages);
  pages[kPage] = 1;
  // With pagemap and without.
  for (const char* proc_root : {"/proc", "/nonexistent"}) {
    const OwnPages own(proc_root);
    EXPECT_FALSE(own.Filled(address)) << proc_root;
    EXPECT_FALSE(own.Filled(address + kPage - 1)) << proc_root;
    EXPECT_TRUE(own.Filled(address + kPage)) << proc_root;
    EXPECT_TRUE(own.Filled(address + 2 * kPage - 1)) << proc_root;
    EXPECT_FALSE(own.Filled(address + 2 * kPage)) << proc_root;
  }
  EXPECT_EQ(OwnResidentBytes(address, address + 3 * kPage), kPage);
  munmap(pages, 3 * kPage);
}

}  // namespace
}  // namespace poolscope
