// ResidentByOwner: whose each resident byte of the process is, by address and
// by structure.
//
//   pool           the ranges of its chunks, as they are given
//   main arena     of glibc's malloc: the mapping [heap]
//   thread arenas  of glibc's malloc: heaps that begin at a multiple of 64 MiB,
//                  anonymous, private and writable
//   stacks         the ranges that are given, and [stack]
//   files          code, data and what else a file or the kernel stands behind
//   other          anonymous memory without a mark: large blocks of malloc's,
//                  tables of the pool, stacks that were not given
//
// The sum is the walk's own RSS, to the page. A mapping that the kernel merged
// with a heap, because they lie side by side, counts with it.
//
// Pure but for ResidentIn() and StackOf(). Thread-safe.
#ifndef POOLSCOPE_EXAMPLES_DEMO_RESIDENT_OWNERS_H_
#define POOLSCOPE_EXAMPLES_DEMO_RESIDENT_OWNERS_H_

#include <pthread.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "poolscope/examples/demo/smaps.h"

namespace poolscope::demo {

enum class MemoryOwner : uint8_t {
  kPool,
  kMainArena,
  kThreadArenas,
  kStacks,
  kFiles,
  kOther,
};
inline constexpr int kMemoryOwnerCount = 6;

// For people: "pool", "glibc's thread arenas".
absl::string_view MemoryOwnerName(MemoryOwner owner);

struct OwnedRange {
  MemoryOwner owner = MemoryOwner::kOther;
  uint64_t begin = 0;  // addresses in [begin, end), whole pages
  uint64_t end = 0;
};

struct ResidentByOwner {
  std::array<uint64_t, kMemoryOwnerCount> bytes{};

  uint64_t Of(MemoryOwner owner) const {
    return bytes[static_cast<size_t>(owner)];
  }
  uint64_t total() const;
};

// The ranges do not overlap. `resident_in` tells how much of a range within one
// mapping is resident.
ResidentByOwner AttributeResident(
    absl::Span<const SmapsMapping> mappings,
    absl::Span<const OwnedRange> ranges,
    absl::FunctionRef<uint64_t(uint64_t begin, uint64_t end)> resident_in);

// By mincore(). 0 for what is not mapped.
uint64_t ResidentIn(uint64_t begin, uint64_t end);

// Of a thread that lives.
OwnedRange StackOf(pthread_t thread);

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_RESIDENT_OWNERS_H_
