#include "poolscope/allocator/pool/allocator_stats.h"

namespace poolscope {

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
