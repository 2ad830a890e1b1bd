// MemoryGovernorStats: what a MemoryGovernor shows; plain values.
#ifndef POOLSCOPE_ALLOCATOR_OUTBOUND_MEMORY_GOVERNOR_STATS_H_
#define POOLSCOPE_ALLOCATOR_OUTBOUND_MEMORY_GOVERNOR_STATS_H_

#include <cstdint>

namespace poolscope {

struct MemoryGovernorStats {
  uint64_t members = 0;
  uint64_t paused_members = 0;
  uint64_t pauses = 0;      // counter
  uint64_t resumes = 0;     // counter
  uint64_t rejections = 0;  // counter: messages told to be rejected
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_OUTBOUND_MEMORY_GOVERNOR_STATS_H_
