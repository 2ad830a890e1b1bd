// LockRank: the one place where poolscope's lock order is written.
//
// A thread may take a lock only of a higher rank than every ranked lock that it
// holds. The arena locks, which share one rank, are never held two at a time,
// but over fork(). Builds without NDEBUG check this at every Lock(); see
// Mutex. No lock is held over I/O, a callback or rendering.
#ifndef POOLSCOPE_ALLOCATOR_BASE_LOCK_ORDER_H_
#define POOLSCOPE_ALLOCATOR_BASE_LOCK_ORDER_H_

namespace poolscope {

enum class LockRank {
  kUnranked = 0,  // not checked: outside the allocator
  kGovernor,      // who joined a memory governor, and what it told them
  kProcess,       // which allocators exist; the end of a closed one
  kLeakControl,   // the level of a leak detector, and the interval it asks for
  kRoom,          // who makes room at the limit
  kCore,          // an allocator's list of thread caches
  kThreadCache,   // who works on a thread cache: its owner or a reclaimer
  kArena,         // chunk lists, page runs, orphaned slabs
  kSampler,       // sampling records
  kMetadata,      // the allocator's own tables
  kLeakRecords,   // the blocks that a leak detector tracks
  kChannels,      // a channel registry's groups, and who is in which slot
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_BASE_LOCK_ORDER_H_
