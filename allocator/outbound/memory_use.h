// MemoryUse: how much of a limit is in use, for a MemoryGovernor.
//
//   MemoryGovernor governor({}, [&] { return MemoryUseOf(pool->Stats()); });
//
// In use is what cannot be had again without a channel's help. Of an allocator
// that is the blocks in users' hands, and not what it has mapped: empty chunks
// that wait for their decay, free pages and the blocks in thread caches serve
// the next request, or go back at the limit. Counted as used they would keep
// channels paused for memory that nobody holds.
//
// Fragmentation is therefore not seen: where a few blocks keep many chunks
// mapped, a huge block may be refused below the mark at which a governor
// pauses.
#ifndef POOLSCOPE_ALLOCATOR_OUTBOUND_MEMORY_USE_H_
#define POOLSCOPE_ALLOCATOR_OUTBOUND_MEMORY_USE_H_

#include <cstdint>

#include "poolscope/allocator/pool/allocator_stats.h"

namespace poolscope {

struct MemoryUse {
  uint64_t used_bytes = 0;
  uint64_t limit_bytes = 0;
};

// Of any kind of allocator.
inline MemoryUse MemoryUseOf(const AllocatorStats& stats) {
  return {stats.pinned_bytes + stats.huge_used_bytes, stats.direct_limit_bytes};
}

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_OUTBOUND_MEMORY_USE_H_
