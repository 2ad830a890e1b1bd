// Fragmentation after a long random trace: 1,000,000 steps, each of which fills
// or empties one of some 25,000 places picked at random, with the mixed sizes.
// About half of the places are full, 64 MB. A block is written to once a page.
//
//   fragmentation/rss_over_live_percent  resident growth by live bytes asked
//                                        for, less 100: all of it together, and
//                                        comparable between allocators
//
// and of poolscope from its own figures, fragmentation/...:
//
//   internal_percent           bytes of the size classes not asked for, over
//                              the whole trace (of those allocated)
//   internal_live_percent      the same of the blocks alive at the end
//   internal_estimate_percent  as the samples have the latter
//   external_percent           free bytes of the chunks in use
//   cached_percent             bytes in the thread cache, of the same
//
// The trial fails when the counters of allocations, frees and requested bytes
// differ from the trace's by as much as one.
#ifndef POOLSCOPE_BENCH_FRAGMENTATION_H_
#define POOLSCOPE_BENCH_FRAGMENTATION_H_

#include "poolscope/bench/trial.h"

namespace poolscope::bench {

Trial FragmentationTrial();

}  // namespace poolscope::bench

#endif  // POOLSCOPE_BENCH_FRAGMENTATION_H_
