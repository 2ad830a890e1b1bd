// ThreadCache: what it reports of itself, figures and invariants.
#include <algorithm>
#include <cstdint>

#include "poolscope/allocator/pool/address_table.h"
#include "poolscope/allocator/pool/slab.h"
#include "poolscope/allocator/pool/thread_cache.h"

namespace poolscope {
namespace pool_internal {

uint64_t ThreadCache::CountFrees(int size_class) const {
  return bins_[size_class].pushes.load(std::memory_order_acquire) +
         cold_[size_class].direct_frees.Value();
}

uint64_t ThreadCache::CachedBytes() const {
  uint64_t bytes = 0;
  ForEachUsedClass([&](int c) { bytes += CachedBytes(c); });
  return std::min<uint64_t>(bytes, env_->options.thread_cache_max_bytes);
}

uint64_t ThreadCache::CachedBytes(int size_class) const {
  // Not atomic as a whole: while the owner works the level may come out a
  // little wrong, so it is kept within its bounds.
  const int64_t level =
      std::clamp<int64_t>(bins_[size_class].level(), 0, kMaxCapacity);
  return level * env_->layout.size(size_class);
}

uint64_t ThreadCache::TotalRequests() const {
  uint64_t requests = 0;
  ForEachUsedClass([&](int c) { requests += CountHits(c) + CountMisses(c); });
  return requests;
}

const char* ThreadCache::CheckInvariants() const {
  uint64_t granted = 0;
  for (int c = 0; c < env_->layout.count(); ++c) {
    const Bin& bin = bins_[c];
    const ColdBin& cold = cold_[c];
    const int64_t level = bin.level();
    const bool counted = bin.pops.load(std::memory_order_relaxed) != 0 ||
                         CountFrees(c) != 0 || cold.misses.OwnValue() != 0;
    if ((counted || level != 0) && !IsUsed(c)) return "a class used unnoticed";
    granted += cold.capacity * env_->layout.size(c);
    if (level < 0 || level > cold.capacity) return "a level out of bounds";
    if ((level == 0) != (bin.top == nullptr)) return "a top without a level";
    if (bin.full_at - bin.difference() != cold.capacity - level) {
      return "a magazine full at the wrong place";
    }
    for (int64_t i = 0; i < level; ++i) {
      const uintptr_t block =
          reinterpret_cast<uintptr_t>(i == 0 ? bin.top : cold.array[i]);
      const Segment* segment = AddressTable::Find(block);
      if (segment == nullptr) return "a foreign block in a magazine";
      const PageWord word = segment->WordAt(block);
      if (word.tag() != id || word.bin_offset() != BinOffset(c)) {
        return "a block of another owner or class in a magazine";
      }
      if (segment->InUse(block, env_->layout.size(c)))
        return "a block in use in a magazine";
    }
    uint64_t free_elements = 0;
    for (const RunInfo* slab = cold.partial; slab; slab = slab->next) {
      free_elements += FreeCount(slab);
      if (FreeCount(slab) == 0) return "a full slab among the partial ones";
      if (slab->size_class != c) return "a slab in another class's list";
    }
    for (const RunInfo* slab = cold.full; slab; slab = slab->next) {
      if (FreeCount(slab) != 0) return "a partial slab among the full ones";
    }
    if (free_elements != cold.free_elements) return "free elements miscounted";
  }
  if (granted != granted_bytes_) return "the budget miscounted";
  return nullptr;
}

}  // namespace pool_internal
}  // namespace poolscope
