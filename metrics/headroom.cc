#include "poolscope/metrics/headroom.h"

#include <algorithm>

namespace poolscope {

uint64_t DirectHeadroomBytes(const AllocatorStats& pool) {
  return pool.direct_limit_bytes -
         std::min(pool.direct_limit_bytes, pool.direct_used_bytes);
}

std::optional<uint64_t> HeadroomBytes(
    absl::Span<const AllocatorStats> pools,
    const std::optional<CgroupMemory>& cgroup) {
  std::optional<uint64_t> least;
  if (cgroup.has_value()) least = cgroup->Nearest().headroom_bytes();
  for (const AllocatorStats& pool : pools) {
    const uint64_t headroom = DirectHeadroomBytes(pool);
    least = std::min(headroom, least.value_or(headroom));
  }
  return least;
}

}  // namespace poolscope
