// Attribution: from mappings to owners. Every byte of every mapping gets
// exactly one.
//
// The kernel merges neighbours of one kind to one mapping whoever made them, so
// a mapping is first cut by what is known by address, then what is left of it
// is told by name or, where it has none, by what stands in it:
//
//   1. claims: the pool's ranges, the loaded programs' segments
//   2. stacks, by each thread's anchor (thread_anchors.h)
//   3. [heap], [stack], vdso, paths
//   4. heaps and mmapped chunks of glibc (glibc_blocks.h), read with care: the
//      memory may be gone by now. At the start of what is left alone: a chunk
//      above memory of no known owner, merged with it, is not found
//   5. Unknown
//
// Where two claim the same byte the earlier has it. Resident bytes of a mapping
// that has several owners are an estimate: they are measured for each but the
// largest, which gets what is left, so that they add up to the mapping's.
//
// Pure: whatever it asks of the process is injected.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_METRICS_PROCESS_ATTRIBUTION_H_
#define POOLSCOPE_METRICS_PROCESS_ATTRIBUTION_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "poolscope/metrics/process/memory_owner.h"
#include "poolscope/metrics/process/smaps.h"
#include "poolscope/metrics/process/thread_anchors.h"

namespace poolscope {

// A piece of one mapping that has one owner.
struct OwnedRange {
  uint64_t start = 0;
  uint64_t end = 0;
  size_t mapping = 0;  // its index
  MemoryOwner owner = MemoryOwner::kUnknown;
  uint64_t resident_bytes = 0;
  bool resident_is_estimate = false;
  // Claims, stacks, heaps or chunks that begin in it, else 1.
  uint64_t live_count = 0;
  std::string detail;  // such as "thread 4711"; may be empty

  uint64_t bytes() const { return end - start; }
};

struct AttributionInput {
  // In ascending order, disjoint.
  absl::Span<const Mapping> mappings;
  // In any order. Of those that overlap the one that begins first has it.
  absl::Span<const MemoryClaim> claims;
  absl::Span<const ThreadAnchor> threads;
  // How far down a stack may reach where no guard page ends it.
  uint64_t default_stack_bytes = 8 << 20;
  // Whether malloc is glibc's. Nothing is called glibc's where it is not.
  bool malloc_is_glibc = true;
  // ReadOwnWords() and OwnResidentBytes().
  absl::FunctionRef<bool(uint64_t address, absl::Span<uint64_t> words)>
      read_words;
  absl::FunctionRef<std::optional<uint64_t>(uint64_t start, uint64_t end)>
      resident_bytes;
};

// The pieces, in ascending order. They cover the mappings exactly, and their
// resident bytes add up to those of each mapping exactly.
std::vector<OwnedRange> Attribute(const AttributionInput& input);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_PROCESS_ATTRIBUTION_H_
