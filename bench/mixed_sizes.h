// The sizes that a workload asks for, one after another, round and round.
#ifndef POOLSCOPE_BENCH_MIXED_SIZES_H_
#define POOLSCOPE_BENCH_MIXED_SIZES_H_

#include <cstddef>
#include <vector>

namespace poolscope::bench {

// Bytes; not empty, and its length a power of two.
using SizeTable = std::vector<size_t>;

// 4096 sizes from 64 B to 32 KiB as a network service draws them, headers and
// small answers far more often than full buffers: uniform in the logarithm
// (half are below 1.4 KiB, the mean is 5.2 KiB). The same in every run and on
// every machine; long enough that a branch predictor cannot learn it.
const SizeTable& MixedSizes();

}  // namespace poolscope::bench

#endif  // POOLSCOPE_BENCH_MIXED_SIZES_H_
