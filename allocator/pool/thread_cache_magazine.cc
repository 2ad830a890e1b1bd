// ThreadCache: its magazines and slabs, how they grow, shrink and are emptied.
#include <algorithm>
#include <cstring>

#include "poolscope/allocator/pool/address_table.h"
#include "poolscope/allocator/pool/slab.h"
#include "poolscope/allocator/pool/thread_cache.h"

namespace poolscope {
namespace pool_internal {
namespace {

// After the budget refused a larger magazine, misses before asking again.
constexpr uint32_t kBackOffMisses = 64;
// Free elements of a class that a cache keeps in slabs, before an empty slab
// goes back to the arena.
constexpr uint64_t kKeepFreeBytes = 256 << 10;

// Large blocks that a thread leaves to others when it goes idle, at most: what
// that costs should be little beside going to sleep. It keeps one of a class,
// for what wakes it.
constexpr uint64_t kSharedAtIdle = 8;

uint32_t InitialCapacity(size_t block_bytes) {
  if (block_bytes <= 1024) return 16;
  return block_bytes <= 8192 ? 4 : 1;
}

uint32_t RoundUpToPowerOfTwo(uint64_t n) {
  uint32_t power = 1;
  while (power < n) power *= 2;
  return power;
}

}  // namespace

void ThreadCache::Insert(int size_class, uintptr_t block) {
  Bin& bin = bins_[size_class];
  if (bin.level() >= cold_[size_class].capacity) {
    GiveBack(size_class, &block, 1);
    return;
  }
  const int64_t fill = bin.fill.load(std::memory_order_relaxed);
  *reinterpret_cast<void**>(bin.slots + 8 * bin.difference()) = bin.top;
  bin.top = reinterpret_cast<void*>(block);
  bin.fill.store(fill + 1, std::memory_order_relaxed);
  bin.slots += 8;
  --bin.full_at;
}

bool ThreadCache::FitsBudget(uint64_t granted_after) {
  const uint64_t budget = budget_bytes();
  if (granted_after <= budget) return true;
  const uint64_t most = env_->options.thread_cache_max_bytes;
  if (granted_after > most) return false;
  budget_bytes_.store(std::min(most, std::max(2 * budget, granted_after)),
                      std::memory_order_relaxed);
  return true;
}

void ThreadCache::TryGrow(int size_class) {
  ColdBin& cold = cold_[size_class];
  if (cold.back_off > 0) {
    --cold.back_off;
    return;
  }
  const uint32_t wanted = cold.capacity == 0
                              ? InitialCapacity(env_->layout.size(size_class))
                              : std::min(2 * cold.capacity, kMaxCapacity);
  if (wanted <= cold.capacity) return;
  const uint64_t growth =
      (wanted - cold.capacity) * env_->layout.size(size_class);
  // A class's first blocks must fit what the budget is now: only the second
  // time around, after an overflow, is the thread busy with it.
  const bool fits = cold.capacity == 0 && !cold.overflowed
                        ? granted_bytes_ + growth <= budget_bytes()
                        : FitsBudget(granted_bytes_ + growth);
  if (!fits || !SetCapacity(size_class, wanted)) {
    if (cold.capacity > 0 || cold.overflowed) cold.back_off = kBackOffMisses;
  }
}

bool ThreadCache::SetCapacity(int size_class, uint32_t capacity) {
  Bin& bin = bins_[size_class];
  ColdBin& cold = cold_[size_class];
  const int64_t level = bin.level();
  void** array = nullptr;
  if (capacity > 0) {
    array =
        static_cast<void**>(env_->metadata.Allocate(capacity * sizeof(void*)));
    if (array == nullptr) return false;
    // array[0] is the null below the last block; the topmost is in bin.top.
    if (level > 1) std::memcpy(array, cold.array, level * sizeof(void*));
  }
  if (cold.array != nullptr) {
    env_->metadata.Free(cold.array, cold.capacity * sizeof(void*));
  }
  if (SharedBlocks::Keeps(env_->layout, size_class)) {
    shareable_magazines_ += (capacity > 0) - (cold.capacity > 0);
  }
  const int64_t fill = bin.fill.load(std::memory_order_relaxed);
  granted_bytes_ += capacity * env_->layout.size(size_class);
  granted_bytes_ -= cold.capacity * env_->layout.size(size_class);
  cold.array = array;
  cold.capacity = capacity;
  bin.slots = reinterpret_cast<uintptr_t>(array) + 8 * fill;
  bin.full_at = capacity - fill;
  return true;
}

void ThreadCache::FlushOldest(int size_class, uint64_t count,
                              EvictionReason reason, bool share) {
  Bin& bin = bins_[size_class];
  void** array = cold_[size_class].array;
  const uint64_t level = bin.level();
  count = std::min(count, level);
  if (count == 0) return;
  const uint64_t below_top = std::min(count, level - 1);
  if (below_top > 0) {
    GiveBack(size_class, reinterpret_cast<uintptr_t*>(array + 1), below_top,
             share);
    std::memmove(array + 1, array + 1 + below_top,
                 (level - 1 - below_top) * sizeof(void*));
  }
  if (count == level) {
    const uintptr_t last = reinterpret_cast<uintptr_t>(bin.top);
    bin.top = nullptr;
    GiveBack(size_class, &last, 1, share);
  }
  bin.fill.store(
      bin.fill.load(std::memory_order_relaxed) - static_cast<int64_t>(count),
      std::memory_order_relaxed);
  bin.slots -= 8 * count;
  bin.full_at += count;
  evictions_[static_cast<int>(reason)].Add(count);
}

void ThreadCache::GiveBack(int size_class, const uintptr_t* blocks, int count,
                           bool share) {
  if (!env_->layout.is_slab(size_class)) {
    if (share) {
      arena()->ShareBlocks(blocks, count);
    } else {
      arena()->ReturnBlocks(blocks, count);
    }
    return;
  }
  for (int i = 0; i < count; ++i) PutInSlab(size_class, blocks[i]);
}

void ThreadCache::ShareSome() {
  if (shareable_magazines_ == 0) return;
  uint64_t left = kSharedAtIdle;
  for (int c = 0; left > 0 && c < env_->layout.count(); ++c) {
    if (cold_[c].capacity == 0 || !SharedBlocks::Keeps(env_->layout, c)) {
      continue;
    }
    const uint64_t level = bins_[c].level();
    if (level <= 1) continue;
    const uint64_t count = std::min(left, level - 1);
    FlushOldest(c, count, EvictionReason::kIdle, /*share=*/true);
    left -= count;
  }
}

void ThreadCache::TrimUnused(EvictionReason reason) {
  for (int c = 0; c < env_->layout.count(); ++c) {
    ColdBin& cold = cold_[c];
    if (!cold.armed && cold.capacity == 0) continue;
    const uint64_t pops = bins_[c].pops.load(std::memory_order_relaxed);
    const uint64_t used = pops - cold.pops_at_trim;
    cold.pops_at_trim = pops;
    const uint64_t level = bins_[c].level();
    if (level > used) FlushOldest(c, level - used, reason);
    ReleaseEmptySlabs(c);
    if (used == 0) {
      if (cold.capacity > 0) SetCapacity(c, 0);
    } else if (used < cold.capacity / 2) {
      SetCapacity(c, std::max(RoundUpToPowerOfTwo(used),
                              InitialCapacity(env_->layout.size(c))));
    }
  }
  const uint64_t budget = budget_bytes();
  if (granted_bytes_ < budget / 4) {
    budget_bytes_.store(
        std::max<uint64_t>(env_->options.thread_cache_initial_bytes,
                           budget / 2),
        std::memory_order_relaxed);
  }
}

void ThreadCache::Flush(EvictionReason reason) {
  PublishPending();
  DrainReturns();
  for (int c = 0; c < env_->layout.count(); ++c) {
    if (!cold_[c].armed && cold_[c].capacity == 0 &&
        cold_[c].partial == nullptr) {
      continue;
    }
    FlushOldest(c, kMaxCapacity, reason);
    if (cold_[c].capacity > 0) SetCapacity(c, 0);
    ReleaseEmptySlabs(c);
  }
  budget_bytes_.store(env_->options.thread_cache_initial_bytes,
                      std::memory_order_relaxed);
}

void ThreadCache::PutInSlab(int size_class, uintptr_t address) {
  ColdBin& cold = cold_[size_class];
  RunInfo* slab = RunOf(address, AddressTable::Find(address)->WordAt(address));
  const uint32_t before = PutElement(slab, address);
  ++cold.free_elements;
  if (before == 0) {
    UnlinkRun(&cold.full, slab);
    LinkRun(&cold.partial, slab);
  }
  if (before + 1 == slab->elements &&
      (cold.free_elements - slab->elements) * env_->layout.size(size_class) >=
          kKeepFreeBytes) {
    UnlinkRun(&cold.partial, slab);
    cold.free_elements -= slab->elements;
    arena()->ReturnSlab(slab);
  }
}

void ThreadCache::ReleaseEmptySlabs(int size_class) {
  ColdBin& cold = cold_[size_class];
  for (RunInfo* slab = cold.partial; slab != nullptr;) {
    RunInfo* next = slab->next;
    if (FreeCount(slab) == slab->elements) {
      UnlinkRun(&cold.partial, slab);
      cold.free_elements -= slab->elements;
      arena()->ReturnSlab(slab);
    }
    slab = next;
  }
}

}  // namespace pool_internal
}  // namespace poolscope
