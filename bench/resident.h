// The process's resident set, as the kernel has it at this moment.
#ifndef POOLSCOPE_BENCH_RESIDENT_H_
#define POOLSCOPE_BENCH_RESIDENT_H_

#include <cstdint>

namespace poolscope::bench {

// Bytes, summed over the mappings (/proc/self/smaps_rollup): exact, where the
// counters behind /proc/self/statm lag by some pages a processor. Allocates
// nothing. 0 where the kernel does not say (before Linux 4.14).
uint64_t ResidentBytes();

// How far `now` lies above `base`, in KiB; negative below it.
double KibAbove(uint64_t now, uint64_t base);

}  // namespace poolscope::bench

#endif  // POOLSCOPE_BENCH_RESIDENT_H_
