// The fast paths of PooledAllocator, inlined: for its own methods, and for a
// function with malloc's signature around one allocator, which would otherwise
// call twice.
//
//   void* my_malloc(size_t size) { return AllocateFrom(allocator, size); }
//   void my_free(void* block) { FreeTo(allocator, block); }
//
// A function that is little more than one of these is to be aligned to a cache
// line: where the code of a pair happens to lie is worth up to two cycles of
// some twenty (docs/decisions/0013-inlined-fast-path.md).
//
// Thread safety, errors: as PooledAllocator's methods.
#ifndef POOLSCOPE_ALLOCATOR_POOL_FAST_PATH_H_
#define POOLSCOPE_ALLOCATOR_POOL_FAST_PATH_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/base/attributes.h"
#include "absl/base/optimization.h"
#include "poolscope/allocator/pool/address_table.h"
#include "poolscope/allocator/pool/bin_hints.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/allocator/pool/segment.h"
#include "poolscope/allocator/pool/size_classes.h"
#include "poolscope/allocator/pool/thread_binding.h"
#include "poolscope/allocator/pool/thread_cache.h"

namespace poolscope {
namespace pool_internal {

// What the fast paths could not do; pooled_allocator.cc. The parameter that
// malloc and free have comes first, so that it may stay in its register.
void* AllocateBySlowPath(size_t size, const PooledAllocator* allocator);
void FreeBySlowPath(void* block, const PooledAllocator* allocator);

inline Bin* BinAt(CacheHeader* cache, uint64_t offset) {
  return reinterpret_cast<Bin*>(reinterpret_cast<char*>(cache) + offset);
}

// A block from the calling thread's magazine, or null when it is empty, the
// size is beyond the tables, or something is due. `classes` is a constant at
// each call, so that no pointer to it is loaded (0.3 ns of a 3.6 ns pair).
ABSL_ATTRIBUTE_ALWAYS_INLINE inline void* AllocateFast(
    CacheHeader* cache, const SizeClassTables& classes, size_t size) {
  uint32_t offset;
  if (ABSL_PREDICT_TRUE(size <= kMaxSmallLookup)) {
    offset = classes.small[(size + 15) >> 4];
  } else if (size <= kMaxLookup) {
    offset = classes.large[(size - 1) >> 12];
  } else {
    return nullptr;
  }
  Bin* bin = BinAt(cache, offset);
  const uint64_t served = bin->pops.load(std::memory_order_relaxed);
  if (ABSL_PREDICT_FALSE(bin->top == nullptr || served == bin->event_at)) {
    return nullptr;
  }
  void* block = bin->Pop(served);
  bin->CountRequested(size);
  const uintptr_t address = reinterpret_cast<uintptr_t>(block);
  Segment* segment = AddressTable::FindBlock(address);
  // Sizes up to this get a block whose state is in the finer table.
  constexpr size_t kFineSize = 48;
  if (ABSL_PREDICT_TRUE(size > kFineSize)) {
    segment->SetInUse(address, BlockState::kCoarseSize);
  } else {
    segment->SetInUse(address, 0);
  }
  return block;
}

// Puts a block of `segment` into its magazine, or returns false: full, or not
// in use. `size` as in Segment::ClearInUse().
ABSL_ATTRIBUTE_ALWAYS_INLINE inline bool PushFreed(Bin* bin, Segment* segment,
                                                   void* block, size_t size) {
  const uint64_t freed = bin->pushes.load(std::memory_order_relaxed);
  const int64_t difference = freed - bin->pops.load(std::memory_order_relaxed);
  if (ABSL_PREDICT_FALSE(difference == bin->full_at)) return false;
  const uintptr_t address = reinterpret_cast<uintptr_t>(block);
  if (ABSL_PREDICT_FALSE(!segment->ClearInUse(address, size))) return false;
  bin->Push(block, freed, difference);
  return true;
}

// Returns the block to the calling thread's magazine, or false when it is not
// this thread's, the magazine is full, or anything is unusual about it.
ABSL_ATTRIBUTE_ALWAYS_INLINE inline bool FreeFast(CacheHeader* cache,
                                                  void* block) {
  const uintptr_t address = reinterpret_cast<uintptr_t>(block);
  Segment* segment = AddressTable::Find(address);
  if (ABSL_PREDICT_FALSE(segment == nullptr)) return false;
  const PageWord word = segment->WordAt(address);
  if (ABSL_PREDICT_FALSE(word.tag() != cache->id)) return false;
  const uint64_t guess = BinHints::Get(address);
  uint64_t offset = guess;
  // Two values from here on, as far as the compiler knows: it would otherwise
  // use the word's offset where they are equal, and wait for it.
  asm("" : "+r"(offset));
  if (ABSL_PREDICT_FALSE(guess != word.bin_offset())) {
    offset = word.bin_offset();
    // A branch, not a conditional move, which waits as well.
    asm volatile("" : "+r"(offset));
  }
  Bin* bin = BinAt(cache, offset);
  // Two copies of what follows, so that the table of states is known in each.
  if (ABSL_PREDICT_FALSE(offset < BinOffset(kClassOf64))) {
    return PushFreed(bin, segment, block, 0);
  }
  return PushFreed(bin, segment, block, BlockState::kCoarseSize);
}

// As allocator->Allocate(size).
ABSL_ATTRIBUTE_ALWAYS_INLINE inline void* AllocateFrom(
    const PooledAllocator* allocator, size_t size) {
  CacheHeader* cache = current_cache;
  void* block = nullptr;
  if (ABSL_PREDICT_TRUE(cache->allocator.load(std::memory_order_relaxed) ==
                        allocator)) {
    block = AllocateFast(cache, kRunClasses, size);
  } else if (cache->buddy_allocator.load(std::memory_order_relaxed) ==
             allocator) {
    block = AllocateFast(cache, kBuddyClasses, size);
  }
  if (ABSL_PREDICT_TRUE(block != nullptr)) return block;
  return AllocateBySlowPath(size, allocator);
}

// As allocator->Free(block).
ABSL_ATTRIBUTE_ALWAYS_INLINE inline void FreeTo(
    const PooledAllocator* allocator, void* block) {
  CacheHeader* cache = current_cache;
  // The block's owner being this thread's cache, and the cache this
  // allocator's, the block is this allocator's as well.
  if (ABSL_PREDICT_TRUE(
          cache->allocator.load(std::memory_order_relaxed) == allocator ||
          cache->buddy_allocator.load(std::memory_order_relaxed) ==
              allocator) &&
      ABSL_PREDICT_TRUE(FreeFast(cache, block))) {
    return;
  }
  FreeBySlowPath(block, allocator);
}

}  // namespace pool_internal
}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_POOL_FAST_PATH_H_
