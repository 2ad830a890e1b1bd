// AllocationObserver: who wants to know about sampled blocks.
//
// An allocator tells its observer of each block that it samples, and of the end
// of each of these; of blocks that are not sampled it tells nothing. The
// allocator knows this interface alone, and an observer knows no allocator: ids
// are all that passes between them.
//
//   allocator                          observer
//     Allocate: a block is sampled ---> OnAllocate({id, address, bytes, ...})
//     Free of that block -------------> OnFree(id)
//     the allocator is destroyed -----> OnClose(), then OnFree() of the blocks
//                                       that outlive it
//
// Ids are unique within one allocator, never 0 and never used twice, so an
// observer serves one allocator. OnFree(id) comes at most once, after
// OnAllocate() of the same id has returned.
//
// Thread safety: an implementation is thread-safe. The calls come on the thread
// that allocates, frees or destroys, with no lock of the allocator's held. What
// they cost counts as the cost of a sample, to which an adaptive interval
// adapts. They must not throw, nor allocate from the allocator they observe.
#ifndef POOLSCOPE_ALLOCATOR_BASE_ALLOCATION_OBSERVER_H_
#define POOLSCOPE_ALLOCATOR_BASE_ALLOCATION_OBSERVER_H_

#include <cstddef>
#include <cstdint>

namespace poolscope {

struct ObservedAllocation {
  uint64_t id = 0;
  const void* address = nullptr;
  size_t requested_bytes = 0;
  size_t class_bytes = 0;       // what the block takes of the pool
  double weight = 1;            // blocks that this one stands for, at least 1
  int64_t allocated_nanos = 0;  // by the allocator's clock
};

class AllocationObserver {
 public:
  virtual ~AllocationObserver() = default;

  virtual void OnAllocate(const ObservedAllocation& allocation) = 0;
  virtual void OnFree(uint64_t id) = 0;
  // The allocator goes away; blocks that are alive now may yet be freed.
  virtual void OnClose() = 0;

  // Around a fork(): take and release whatever locks the calls above take, so
  // that a child may go on at once. Taken before the allocator's own locks.
  virtual void LockForFork() {}
  virtual void UnlockForFork() {}
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_BASE_ALLOCATION_OBSERVER_H_
