// What holds in every AllocatorStats, and between two of one allocator.
#ifndef POOLSCOPE_TESTS_ALLOCATOR_POOL_STRESS_STATS_IDENTITIES_H_
#define POOLSCOPE_TESTS_ALLOCATOR_POOL_STRESS_STATS_IDENTITIES_H_

#include <string>

#include "poolscope/allocator/pool/allocator_stats.h"

namespace poolscope {

// The first identity that `stats` breaks, with its figures, or "".
std::string BrokenIdentity(const AllocatorStats& stats);

// The first counter of `after` that is below its value in `before`, or "".
// `after` must have been asked for after `before` had been returned.
std::string CounterThatFell(const AllocatorStats& before,
                            const AllocatorStats& after);

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_ALLOCATOR_POOL_STRESS_STATS_IDENTITIES_H_
