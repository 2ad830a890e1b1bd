// PoolCallSites(): who holds the pool's part of native memory, from sampled
// blocks, for the detailed view of its report.
//
//   live blocks of every allocator --HeapProfileBuilder--> stacks by bytes
//                                                     --> NativeMemoryCallSite
//
// Those of the most bytes: at most kMaxPoolCallSites. Bytes and blocks are
// estimates, each sampled block standing for its weight.
//
// Thread safety: thread-safe; it works on the values given. Looks up symbols:
// slow.
#ifndef POOLSCOPE_METRICS_POOL_CALL_SITES_H_
#define POOLSCOPE_METRICS_POOL_CALL_SITES_H_

#include <cstddef>
#include <vector>

#include "absl/types/span.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/metrics/heap_profile.h"
#include "poolscope/metrics/live_blocks.h"
#include "poolscope/metrics/native_memory/native_memory_stats.h"

namespace poolscope {

inline constexpr size_t kMaxPoolCallSites = 100;

// `snapshots` say how large the chunks of an allocator are, and so which of its
// blocks are huge; `name` finds a function's name.
std::vector<NativeMemoryCallSite> PoolCallSites(
    absl::Span<const LiveBlocks> allocators,
    absl::Span<const AllocatorStats> snapshots,
    const HeapProfileBuilder::NameFunction& name);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_POOL_CALL_SITES_H_
