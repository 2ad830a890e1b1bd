// Sizes, alignments and totals that the stress tests share.
#ifndef POOLSCOPE_TESTS_ALLOCATOR_POOL_STRESS_TRACE_H_
#define POOLSCOPE_TESTS_ALLOCATOR_POOL_STRESS_TRACE_H_

#include <cstddef>
#include <cstdint>
#include <random>

#include "poolscope/allocator/pool/allocator_stats.h"

namespace poolscope {

using Random = std::mt19937_64;

inline uint64_t Below(Random* random, uint64_t bound) {
  return (*random)() % bound;
}

// Mostly small, some of many pages, a few of a whole chunk or above.
inline size_t RandomSize(Random* random, size_t chunk_bytes) {
  const uint64_t kind = Below(random, 100);
  if (kind < 35) return Below(random, 129);
  if (kind < 65) return Below(random, 2049);
  if (kind < 88) return Below(random, (32 << 10) + 1);
  if (kind < 96) return Below(random, chunk_bytes / 4);
  if (kind < 98) return chunk_bytes - 2 + Below(random, 5);
  return chunk_bytes + Below(random, 2 * chunk_bytes);
}

// Blocks in users' hands, of every kind.
inline uint64_t ActiveBlocks(const AllocatorStats& stats) {
  uint64_t active = 0;
  for (const ArenaStats& arena : stats.arenas) {
    for (const KindCounts& kind : arena.by_kind) active += kind.active;
  }
  return active;
}

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_ALLOCATOR_POOL_STRESS_TRACE_H_
