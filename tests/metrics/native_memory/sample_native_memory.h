// A process as a walk may have found it, small enough to check by hand.
#ifndef POOLSCOPE_TESTS_METRICS_NATIVE_MEMORY_SAMPLE_NATIVE_MEMORY_H_
#define POOLSCOPE_TESTS_METRICS_NATIVE_MEMORY_SAMPLE_NATIVE_MEMORY_H_

#include "poolscope/metrics/native_memory/native_memory_stats.h"

namespace poolscope {

// Residents add up to resident_bytes; with mappings, call sites and details.
NativeMemoryStats SampleNativeMemory();

// The same process later: Glibc Heap grew, Pool Arenas shrank, OpenSSL is gone,
// Shared Memory is new, the others are as they were.
NativeMemoryStats LaterNativeMemory();

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_METRICS_NATIVE_MEMORY_SAMPLE_NATIVE_MEMORY_H_
