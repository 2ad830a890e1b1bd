// PoolDetails(): what the pool's part of native memory consists of, for the
// report's section "Pool detail". The rows overlap: a thread cache's blocks and
// an outbound queue's messages lie in some arena. They are added to nothing.
//
//   Pool Arenas    a row an arena that has chunks: mapped
//                  a row an allocator: blocks in thread caches
//                  a row a group of channels: bytes that wait for peers
//   Pool Huge      a row an allocator that has huge blocks
//   Pool Metadata  a row an allocator
//
// Thread safety: thread-safe; it works on the values given.
#ifndef POOLSCOPE_METRICS_POOL_DETAILS_H_
#define POOLSCOPE_METRICS_POOL_DETAILS_H_

#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "poolscope/allocator/outbound/outbound_stats.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/metrics/native_memory/native_memory_stats.h"

namespace poolscope {

// Unpooled allocators, whose memory is malloc's, have no rows. `outbound`:
// absent where no channels are registered.
std::vector<NativeMemoryDetail> PoolDetails(
    absl::Span<const AllocatorStats> snapshots,
    const std::optional<OutboundStats>& outbound);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_POOL_DETAILS_H_
