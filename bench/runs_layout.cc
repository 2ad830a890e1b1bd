#include "poolscope/bench/shim_layout.h"

namespace poolscope::bench {

const ChunkLayout kShimLayout = ChunkLayout::kRuns;

}  // namespace poolscope::bench
