#include "poolscope/allocator/pool/allocator_stats.h"

#include <atomic>

namespace poolscope {

uint64_t NextSnapshotId() {
  // Relaxed: only uniqueness and growth matter.
  static std::atomic<uint64_t> next{1};
  return next.fetch_add(1, std::memory_order_relaxed);
}

const char* KindName(Kind kind) {
  static constexpr const char* kNames[kKindCount] = {"small", "normal", "huge"};
  return kNames[static_cast<int>(kind)];
}

const char* ChunkListName(ChunkListId list) {
  static constexpr const char* kNames[kChunkListCount] = {
      "qinit", "q000", "q025", "q050", "q075", "q100"};
  return kNames[static_cast<int>(list)];
}

const char* EvictionReasonName(EvictionReason reason) {
  static constexpr const char* kNames[kEvictionReasonCount] = {
      "full", "trim", "idle", "thread_exit", "reclaim"};
  return kNames[static_cast<int>(reason)];
}

const char* AllocationPathName(AllocationPath path) {
  static constexpr const char* kNames[kAllocationPathCount] = {"cache", "arena",
                                                               "os"};
  return kNames[static_cast<int>(path)];
}

}  // namespace poolscope
