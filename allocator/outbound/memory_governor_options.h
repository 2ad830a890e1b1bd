// MemoryGovernorOptions: what a MemoryGovernor can be told, with its defaults.
#ifndef POOLSCOPE_ALLOCATOR_OUTBOUND_MEMORY_GOVERNOR_OPTIONS_H_
#define POOLSCOPE_ALLOCATOR_OUTBOUND_MEMORY_GOVERNOR_OPTIONS_H_

#include "absl/time/time.h"
#include "poolscope/allocator/base/clock.h"

namespace poolscope {

struct MemoryGovernorOptions {
  double pause_above = 0.8;   // of the limit; at most 1
  double resume_below = 0.7;  // above 0, at most pause_above
  // How long nothing may complete above the upper mark; and how long one held
  // up message has the others wait for it.
  absl::Duration stall_timeout = absl::Seconds(5);
  const Clock* clock = Clock::Real();
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_OUTBOUND_MEMORY_GOVERNOR_OPTIONS_H_
