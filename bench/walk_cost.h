// What a walk over the process's mappings costs, with each mapping's owner
// found: 1 GiB resident in pages of 4 KiB, in few, in many and in very many
// mappings.
//
//   walk/100_mappings_ms
//   walk/2000_mappings_ms     held against 1 % of one core at the sidecar's
//                             default interval
//   walk/50000_mappings_ms
//
// Time is that of the processor, of the thread that walks.
#ifndef POOLSCOPE_BENCH_WALK_COST_H_
#define POOLSCOPE_BENCH_WALK_COST_H_

#include "poolscope/bench/trial.h"

namespace poolscope::bench {

Trial WalkCostTrial(int mappings);

}  // namespace poolscope::bench

#endif  // POOLSCOPE_BENCH_WALK_COST_H_
