#include "poolscope/examples/demo/resident_owners.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "absl/strings/match.h"

namespace poolscope::demo {
namespace {

// HEAP_MAX_SIZE of glibc on 64-bit machines: the alignment of a heap.
constexpr uint64_t kHeapAlignment = 64 << 20;

MemoryOwner OwnerOf(const SmapsMapping& mapping) {
  if (mapping.name == "[heap]") return MemoryOwner::kMainArena;
  // Also "[stack:123]", as some kernels have it.
  if (absl::StartsWith(mapping.name, "[stack")) return MemoryOwner::kStacks;
  // "[anon:name]" is private anonymous memory that somebody has named.
  if (!mapping.name.empty() && !absl::StartsWith(mapping.name, "[anon:")) {
    return MemoryOwner::kFiles;
  }
  if (!mapping.shared && mapping.writable &&
      mapping.begin % kHeapAlignment == 0) {
    return MemoryOwner::kThreadArenas;
  }
  return MemoryOwner::kOther;
}

uint64_t PageBytes() {
  static const uint64_t bytes = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

}  // namespace

absl::string_view MemoryOwnerName(MemoryOwner owner) {
  switch (owner) {
    case MemoryOwner::kPool:
      return "pool";
    case MemoryOwner::kMainArena:
      return "glibc's main arena";
    case MemoryOwner::kThreadArenas:
      return "glibc's thread arenas";
    case MemoryOwner::kStacks:
      return "thread stacks";
    case MemoryOwner::kFiles:
      return "code and files";
    case MemoryOwner::kOther:
      break;
  }
  return "unattributed";
}

uint64_t ResidentByOwner::total() const {
  return std::accumulate(bytes.begin(), bytes.end(), uint64_t{0});
}

ResidentByOwner AttributeResident(
    absl::Span<const SmapsMapping> mappings,
    absl::Span<const OwnedRange> ranges,
    absl::FunctionRef<uint64_t(uint64_t begin, uint64_t end)> resident_in) {
  ResidentByOwner resident;
  for (const SmapsMapping& mapping : mappings) {
    uint64_t left = mapping.resident_bytes;
    for (const OwnedRange& range : ranges) {
      const uint64_t begin = std::max(range.begin, mapping.begin);
      const uint64_t end = std::min(range.end, mapping.end);
      if (begin >= end) continue;
      // Pages may have come since the walk: never more than it saw.
      const uint64_t bytes = std::min(left, resident_in(begin, end));
      resident.bytes[static_cast<size_t>(range.owner)] += bytes;
      left -= bytes;
    }
    resident.bytes[static_cast<size_t>(OwnerOf(mapping))] += left;
  }
  return resident;
}

uint64_t ResidentIn(uint64_t begin, uint64_t end) {
  const uint64_t pages = (end - begin) / PageBytes();
  std::vector<unsigned char> flags(pages);
  if (mincore(reinterpret_cast<void*>(begin), end - begin, flags.data()) != 0) {
    return 0;
  }
  const auto resident = std::count_if(flags.begin(), flags.end(),
                                      [](unsigned char f) { return f & 1; });
  return static_cast<uint64_t>(resident) * PageBytes();
}

OwnedRange StackOf(pthread_t thread) {
  OwnedRange range;
  range.owner = MemoryOwner::kStacks;
  pthread_attr_t attributes;
  if (pthread_getattr_np(thread, &attributes) != 0) return range;
  void* lowest = nullptr;
  size_t size = 0;
  if (pthread_attr_getstack(&attributes, &lowest, &size) == 0) {
    range.begin = reinterpret_cast<uint64_t>(lowest);
    range.end = range.begin + size;
  }
  pthread_attr_destroy(&attributes);
  return range;
}

}  // namespace poolscope::demo
