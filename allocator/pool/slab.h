// Slab: a run of pages cut into equal elements, with a bitmap of the free ones.
//
//   pages     | page 0          | page 1          | ...
//   elements  | 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | ...   no waste at the end
//   free_bits   1   0   0   1   ...                       1: free
//
// These functions work on a slab's RunInfo on behalf of its owner, a thread
// cache or an arena under its lock; they neither lock nor touch the elements.
//
// Thread safety: thread-compatible, for the owner alone.
#ifndef POOLSCOPE_ALLOCATOR_POOL_SLAB_H_
#define POOLSCOPE_ALLOCATOR_POOL_SLAB_H_

#include <cstddef>
#include <cstdint>

#include "poolscope/allocator/pool/address_table.h"
#include "poolscope/allocator/pool/segment.h"
#include "poolscope/allocator/pool/size_classes.h"

namespace poolscope {
namespace pool_internal {

// The RunInfo of the run that `address` lies in; `word` is its page word.
inline RunInfo* RunOf(uintptr_t address, PageWord word) {
  const uintptr_t head = (address & ~(kGranuleBytes - 1)) -
                         (uintptr_t{word.from_head()} << kGranuleShift);
  return AddressTable::Find(head)->RunAt(head);
}

inline void SetFreeCount(RunInfo* slab, uint32_t count) {
  // Relaxed: written by the owner, read by snapshots as a statistic.
  slab->free_count.store(count, std::memory_order_relaxed);
}
inline uint32_t FreeCount(const RunInfo* slab) {
  return slab->free_count.load(std::memory_order_relaxed);
}

inline void InitSlab(RunInfo* slab, uint32_t elements) {
  slab->elements = elements;
  for (uint64_t& word : slab->free_bits) {
    const uint32_t count = elements < 64 ? elements : 64;
    word = count == 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1;
    elements -= count;
  }
  SetFreeCount(slab, slab->elements);
}

// Takes up to `want` elements, lowest addresses first. The number taken.
inline int TakeElements(RunInfo* slab, int want, uintptr_t* out) {
  const size_t size = slab->block_bytes;
  const uintptr_t base = reinterpret_cast<uintptr_t>(slab->base);
  int taken = 0;
  for (size_t word = 0; word < kMaxSlabElements / 64 && taken < want; ++word) {
    uint64_t bits = slab->free_bits[word];
    while (bits != 0 && taken < want) {
      const int bit = __builtin_ctzll(bits);
      bits &= bits - 1;
      out[taken++] = base + (word * 64 + bit) * size;
    }
    slab->free_bits[word] = bits;
  }
  SetFreeCount(slab, FreeCount(slab) - taken);
  return taken;
}

// Puts an element back. The slab's free count before.
inline uint32_t PutElement(RunInfo* slab, uintptr_t address) {
  const uint32_t offset = address - reinterpret_cast<uintptr_t>(slab->base);
  const uint32_t index = offset / slab->block_bytes;
  slab->free_bits[index / 64] |= uint64_t{1} << index % 64;
  const uint32_t before = FreeCount(slab);
  SetFreeCount(slab, before + 1);
  return before;
}

// A doubly linked list of RunInfo through next and prev.
inline void LinkRun(RunInfo** head, RunInfo* run) {
  run->prev = nullptr;
  run->next = *head;
  if (*head != nullptr) (*head)->prev = run;
  *head = run;
}
inline void UnlinkRun(RunInfo** head, RunInfo* run) {
  if (run->next != nullptr) run->next->prev = run->prev;
  if (run->prev != nullptr) {
    run->prev->next = run->next;
  } else {
    *head = run->next;
  }
  run->next = run->prev = nullptr;
}

}  // namespace pool_internal
}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_POOL_SLAB_H_
