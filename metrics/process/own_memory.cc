#include "poolscope/metrics/process/own_memory.h"

#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>

namespace poolscope {
namespace {

constexpr uint64_t kInMemory = uint64_t{1} << 63;
constexpr uint64_t kInSwap = uint64_t{1} << 62;

}  // namespace

OwnPages::OwnPages(absl::string_view proc_root)
    : pagemap_(proc_root, "pagemap") {}

bool OwnPages::Filled(uint64_t address) const {
  const uint64_t page_bytes = sysconf(_SC_PAGESIZE);
  const uint64_t page = address / page_bytes;
  uint64_t entry = 0;
  if (pread(pagemap_.fd(), &entry, sizeof(entry), page * sizeof(entry)) ==
      sizeof(entry)) {
    return (entry & (kInMemory | kInSwap)) != 0;
  }
  return OwnResidentBytes(page * page_bytes, (page + 1) * page_bytes) != 0;
}

bool ReadOwnWords(uint64_t address, absl::Span<uint64_t> words) {
  const size_t bytes = words.size() * sizeof(uint64_t);
  const iovec to = {words.data(), bytes};
  const iovec from = {reinterpret_cast<void*>(address), bytes};
  return process_vm_readv(getpid(), &to, 1, &from, 1, 0) ==
         static_cast<ssize_t>(bytes);
}

std::optional<uint64_t> OwnResidentBytes(uint64_t start, uint64_t end) {
  constexpr uint64_t kPagesACall = 4096;
  const uint64_t page_bytes = sysconf(_SC_PAGESIZE);
  unsigned char states[kPagesACall];
  uint64_t resident_pages = 0;
  while (start < end) {
    const uint64_t pages =
        std::min(kPagesACall, (end - start + page_bytes - 1) / page_bytes);
    if (mincore(reinterpret_cast<void*>(start), pages * page_bytes, states) !=
        0) {
      return std::nullopt;
    }
    resident_pages += std::count_if(states, states + pages,
                                    [](unsigned char s) { return s & 1; });
    start += pages * page_bytes;
  }
  return resident_pages * page_bytes;
}

}  // namespace poolscope
