// Throughput by number of threads, more than there are processors: each thread
// allocates batches of 64 mixed sizes, hands every fourth block to the next
// thread, which frees it, and frees the rest. What it may have in a neighbour's
// inbox is bounded (4096 blocks for 64 batches); a full inbox makes it wait.
//
//   scaling/threads_N           elapsed ns by pairs of all threads
//   scaling/64_over_2_percent   throughput of 64 threads by that of 2
#ifndef POOLSCOPE_BENCH_SCALING_H_
#define POOLSCOPE_BENCH_SCALING_H_

#include "poolscope/bench/trial.h"

namespace poolscope::bench {

Trial ScalingTrial();

}  // namespace poolscope::bench

#endif  // POOLSCOPE_BENCH_SCALING_H_
