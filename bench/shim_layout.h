// How the allocator of one of poolscope's shared objects keeps its chunks: the
// source that defines kShimLayout is what tells the objects apart.
#ifndef POOLSCOPE_BENCH_SHIM_LAYOUT_H_
#define POOLSCOPE_BENCH_SHIM_LAYOUT_H_

#include "poolscope/allocator/pool/pool_options.h"

namespace poolscope::bench {

// Constant-initialised: known when the object's allocator is made.
extern const ChunkLayout kShimLayout;

}  // namespace poolscope::bench

#endif  // POOLSCOPE_BENCH_SHIM_LAYOUT_H_
