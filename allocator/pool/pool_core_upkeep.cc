// PoolCore's upkeep: what Trim() and Maintain() give back.
#include "poolscope/allocator/base/clock.h"
#include "poolscope/allocator/pool/pool_core.h"
#include "poolscope/allocator/pool/thread_binding.h"

namespace poolscope {
namespace pool_internal {

TrimResult PoolCore::Trim() {
  TrimResult result;
  ThreadCache* own = ActiveCache(this);
  if (own != nullptr) {
    if (own->CachedBytes() > 0) ++result.caches_emptied;
    own->Flush(EvictionReason::kReclaim);
  }
  FlushIdleCaches(EvictionReason::kReclaim, /*all=*/true, 0, &result);
  for (const std::unique_ptr<Arena>& arena : arenas_) {
    arena->ReleaseShared(/*all=*/true);
    arena->ReleaseEmptyChunks(/*all=*/true, &result.chunks_unmapped,
                              &result.trimmed_bytes);
    result.trimmed_bytes += arena->PurgeFreePages();
  }
  return result;
}

TrimResult PoolCore::Maintain() {
  TrimResult result;
  FlushIdleCaches(EvictionReason::kIdle, /*all=*/false,
                  env_.options.clock->NowNanos(), &result);
  for (const std::unique_ptr<Arena>& arena : arenas_) {
    arena->ReleaseShared(/*all=*/false);
    arena->ReleaseEmptyChunks(/*all=*/false, &result.chunks_unmapped,
                              &result.trimmed_bytes);
  }
  return result;
}

}  // namespace pool_internal
}  // namespace poolscope
