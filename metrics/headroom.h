// Headroom: how many more bytes the process may take before a limit stops it.
//
// Two kinds of limit end in different ways: at a pool's own the pool refuses,
// at a cgroup's the kernel kills. The nearest of them all is what counts.
//
// Thread safety: thread-safe; it works on the values given.
#ifndef POOLSCOPE_METRICS_HEADROOM_H_
#define POOLSCOPE_METRICS_HEADROOM_H_

#include <cstdint>
#include <optional>

#include "absl/types/span.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/metrics/process/cgroup_memory.h"

namespace poolscope {

// Up to the pool's own limit.
uint64_t DirectHeadroomBytes(const AllocatorStats& pool);

// The least of every pool's and every cgroup level's; absent without a limit.
std::optional<uint64_t> HeadroomBytes(
    absl::Span<const AllocatorStats> pools,
    const std::optional<CgroupMemory>& cgroup);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_HEADROOM_H_
