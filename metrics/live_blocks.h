// LiveBlocks: the sampled blocks in users' hands of one allocator, with their
// creation stacks; plain values.
#ifndef POOLSCOPE_METRICS_LIVE_BLOCKS_H_
#define POOLSCOPE_METRICS_LIVE_BLOCKS_H_

#include <string>

#include "poolscope/allocator/leak/live_allocations.h"

namespace poolscope {

struct LiveBlocks {
  // Whether stacks are recorded: by whom, and at a level that does.
  enum class Recording { kNoDetector, kDisabled, kOn };

  std::string allocator;
  Recording recording = Recording::kNoDetector;
  LiveAllocations live;
};

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_LIVE_BLOCKS_H_
