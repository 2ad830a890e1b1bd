// Throughput by number of threads, more than there are processors: each thread
// allocates batches of 64 mixed sizes, hands every fourth block to whichever
// thread runs on the next processor, which frees it, and frees the rest.
// Handing to a thread, rather than to one that runs, would measure the
// scheduler: with more threads than processors the receiver mostly waits for
// its turn. At most 1024 blocks are on their way to a processor.
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
