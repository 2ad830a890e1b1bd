// What a leak detector costs those who allocate: batches of 64, first allocated
// and then freed, last one first, from three allocators of one process: without
// a detector, with one that is disabled, and with one at level simple. They run
// in turn, 20 ms each, the order rotated from round to round; each round is a
// sample, so that the spread is theirs. In several processes, since where their
// memory happens to lie makes one of the three slower for a process's whole
// life.
//
//   leaks/S_batch                    ns a pair without a detector
//   leaks/S_disabled_cost_percent    above that
//   leaks/S_simple_cost_percent
//
// S is 256 or mixed, as in the cells of raw memory.
#ifndef POOLSCOPE_BENCH_LEAK_COST_H_
#define POOLSCOPE_BENCH_LEAK_COST_H_

#include "poolscope/bench/trial.h"

namespace poolscope::bench {

Trial LeakCostTrial();

}  // namespace poolscope::bench

#endif  // POOLSCOPE_BENCH_LEAK_COST_H_
