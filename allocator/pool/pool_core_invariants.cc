// PoolCore::CheckInvariants(): what holds at any time, and what holds while no
// thread works.
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "poolscope/allocator/pool/pool_core.h"
#include "poolscope/allocator/pool/thread_binding.h"

namespace poolscope {
namespace pool_internal {
namespace {

// The first arena with more bytes in users' hands and caches than in its runs,
// with every figure that moves when a thread works, or "".
std::string MoreThanUsed(const AllocatorStats& stats) {
  for (const ArenaStats& arena : stats.arenas) {
    if (arena.pinned_bytes + arena.cached_bytes <= arena.used_bytes) continue;
    return absl::StrFormat(
        "arena %d: %d bytes pinned (%d allocated, %d freed) and %d cached in "
        "%d used",
        arena.index, arena.pinned_bytes, arena.allocated_bytes,
        arena.freed_bytes, arena.cached_bytes, arena.used_bytes);
  }
  return "";
}

}  // namespace

std::string PoolCore::CheckCaches(bool* quiet) const {
  std::string problem;
  *quiet = true;
  ForEachCache([&](ThreadCache* cache) {
    MutexLock lock(&cache->mutex);
    // An active cache can be checked by its owner alone.
    if (cache->state.load(std::memory_order_relaxed) == CacheState::kActive &&
        cache != current_cache) {
      *quiet = false;
      return;
    }
    const char* found = cache->CheckInvariants();
    if (found != nullptr && problem.empty()) {
      problem = absl::StrFormat("thread cache %d: %s", cache->id, found);
    }
  });
  return problem;
}

absl::Status PoolCore::CheckInvariants() const {
  for (const std::unique_ptr<Arena>& arena : arenas_) {
    const std::string problem = arena->CheckInvariants();
    if (!problem.empty()) return absl::InternalError(problem);
  }
  bool quiet = false;
  if (std::string problem = CheckCaches(&quiet); !problem.empty()) {
    return absl::InternalError(problem);
  }
  const AllocatorStats stats = Stats(StatsOptions{});
  if (const std::string problem = MoreThanUsed(stats);
      quiet && !problem.empty()) {
    // A snapshot's sums are not of one instant: a thread may have been at work
    // meanwhile. It is an error when no cache is in use and nothing moves.
    const std::string broken = CheckCaches(&quiet);
    if (!broken.empty()) return absl::InternalError(broken);
    if (quiet && problem == MoreThanUsed(Stats(StatsOptions{}))) {
      return absl::InternalError(problem);
    }
  }
  if (stats.direct_used_bytes > stats.direct_limit_bytes) {
    return absl::InternalError(
        absl::StrFormat("%d bytes of direct memory above the limit of %d",
                        stats.direct_used_bytes, stats.direct_limit_bytes));
  }
  return absl::OkStatus();
}

}  // namespace pool_internal
}  // namespace poolscope
