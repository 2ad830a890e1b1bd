// LiveAllocations made up by a test.
#ifndef POOLSCOPE_TESTS_METRICS_LIVE_ALLOCATIONS_H_
#define POOLSCOPE_TESTS_METRICS_LIVE_ALLOCATIONS_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "poolscope/allocator/leak/live_allocations.h"

namespace poolscope {

struct MadeUpBlock {
  uint64_t id = 1;
  double weight = 1;
  size_t class_bytes = 16;
  std::vector<void*> stack;  // return addresses, the innermost first
};

inline LiveAllocations MakeLive(const std::vector<MadeUpBlock>& blocks) {
  LiveAllocations live;
  for (const MadeUpBlock& block : blocks) {
    LiveAllocation allocation;
    allocation.allocation.id = block.id;
    allocation.allocation.weight = block.weight;
    allocation.allocation.class_bytes = block.class_bytes;
    allocation.stack = live.stacks.size();
    live.stacks.push_back(block.stack);
    live.allocations.push_back(allocation);
  }
  return live;
}

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_METRICS_LIVE_ALLOCATIONS_H_
