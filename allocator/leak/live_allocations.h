// LiveAllocations: the sampled blocks in users' hands, each with the stack that
// created it, as plain values.
//
// The sum of `weight` over them estimates the number of all blocks, that of
// weight * class_bytes their bytes, without bias.
#ifndef POOLSCOPE_ALLOCATOR_LEAK_LIVE_ALLOCATIONS_H_
#define POOLSCOPE_ALLOCATOR_LEAK_LIVE_ALLOCATIONS_H_

#include <cstddef>
#include <vector>

#include "poolscope/allocator/base/allocation_observer.h"

namespace poolscope {

struct LiveAllocation {
  ObservedAllocation allocation;
  size_t stack = 0;  // index into LiveAllocations::stacks
};

struct LiveAllocations {
  std::vector<LiveAllocation> allocations;
  // Return addresses, innermost first, this library's own frames among them
  // (see symbols.h); each stack once. Empty: the stack was dropped.
  std::vector<std::vector<void*>> stacks;
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_LEAK_LIVE_ALLOCATIONS_H_
