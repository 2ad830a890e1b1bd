// What it costs to allocate a Buffer and to destroy it, beside Netty, whose
// program (netty/NettyBench.java) does the same in the same patterns.
//
//   buffer/hot/N             one at a time
//   buffer/batch/S_lifo      64, and then these, last one first
//   buffer/handover/N        another thread destroys it
//
// S is 14336 or mixed, as in the cells of raw memory. A figure is nanoseconds a
// pair, one each 20 ms. The buffers live in the shared object, so that both
// calls of a pair cross its boundary, as those of the other cells do.
#ifndef POOLSCOPE_BENCH_BUFFER_PAIRS_H_
#define POOLSCOPE_BENCH_BUFFER_PAIRS_H_

#include "poolscope/bench/trial.h"

namespace poolscope::bench {

Trial BufferTrial();

}  // namespace poolscope::bench

#endif  // POOLSCOPE_BENCH_BUFFER_PAIRS_H_
