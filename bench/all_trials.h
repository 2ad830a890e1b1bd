// The trials that poolscope's own program runs.
#ifndef POOLSCOPE_BENCH_ALL_TRIALS_H_
#define POOLSCOPE_BENCH_ALL_TRIALS_H_

#include <vector>

#include "poolscope/bench/trial.h"

namespace poolscope::bench {

// In the order of the tables, the trials of a group side by side.
const std::vector<Trial>& AllTrials();

}  // namespace poolscope::bench

#endif  // POOLSCOPE_BENCH_ALL_TRIALS_H_
