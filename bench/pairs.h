// Workloads of one thread. See Workload in cell.h for what a pair is.
#ifndef POOLSCOPE_BENCH_PAIRS_H_
#define POOLSCOPE_BENCH_PAIRS_H_

#include <cstddef>
#include <memory>

#include "poolscope/bench/mixed_sizes.h"
#include "poolscope/bench/policy.h"
#include "poolscope/bench/workload.h"

namespace poolscope::bench {

// Allocate, free, and again.
std::unique_ptr<Workload> MakeHotPair(const Policy& policy, size_t size);

// The same with the sized free, which the policy must have.
std::unique_ptr<Workload> MakeSizedHotPair(const Policy& policy, size_t size);

enum class Order { kLifo, kFifo };

// 64 allocations, then their frees: the last block first, or the first.
std::unique_ptr<Workload> MakeBatch(const Policy& policy,
                                    const SizeTable& sizes, Order order);

// Keeps `live` blocks; each pair frees one at random and puts another there.
std::unique_ptr<Workload> MakeReplacement(const Policy& policy,
                                          const SizeTable& sizes, size_t live);

}  // namespace poolscope::bench

#endif  // POOLSCOPE_BENCH_PAIRS_H_
