// A burst of large messages: five of 100 MB, each assembled from components of
// 8 KiB as a network service receives them. Every 1024 components are
// consolidated: a block of the sum so far is allocated, what there is copied
// into it, and the old block and the components are freed. One message copies
// 654 MB.
//
//   memory/burst_ms       a message, each of the five a sample
//   memory/burst_kept_mb  resident above the base 100 ms after the last one is
//                         freed; poolscope's thread says that it waits, and
//                         Maintain() runs once, as a sidecar would have it
#ifndef POOLSCOPE_BENCH_BURST_H_
#define POOLSCOPE_BENCH_BURST_H_

#include "poolscope/bench/trial.h"

namespace poolscope::bench {

Trial BurstTrial();

}  // namespace poolscope::bench

#endif  // POOLSCOPE_BENCH_BURST_H_
