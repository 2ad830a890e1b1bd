// AddressTable: from any pointer to its segment, in two dependent loads.
//
// The only process-wide table, since a pointer to free may belong to any
// allocator. A root of 8192 entries lies in the program's zeroed data; a leaf
// (32 KiB, covering 16 GiB of addresses) is mapped when its first segment is
// entered and stays. A pointer that no allocator handed out finds null and is
// never dereferenced.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_ALLOCATOR_POOL_ADDRESS_TABLE_H_
#define POOLSCOPE_ALLOCATOR_POOL_ADDRESS_TABLE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/base/optimization.h"
#include "poolscope/allocator/pool/memory_source.h"
#include "poolscope/allocator/pool/segment.h"

namespace poolscope {
namespace pool_internal {

class AddressTable {
 public:
  // Null unless `address` lies in a chunk or huge block of some allocator.
  static Segment* Find(uintptr_t address) {
    // Relaxed here and below: whoever may use the pointer got it from the
    // thread that entered its segment, and with it that thread's writes.
    const Leaf* leaf = roots_[address >> kRootShift & (kRoots - 1)].load(
        std::memory_order_relaxed);
    if (ABSL_PREDICT_FALSE(leaf == nullptr)) return nullptr;
    return leaf->segments[address >> kSegmentShift & (kLeafEntries - 1)].load(
        std::memory_order_relaxed);
  }

  // Enters `segment` for every slot of [base, base + bytes). False, with
  // nothing entered, when a leaf could not be mapped from `source`.
  static bool Enter(uintptr_t base, size_t bytes, Segment* segment,
                    MemorySource* source);
  static void Remove(uintptr_t base, size_t bytes);

 private:
  static constexpr int kRootShift = 34;
  static constexpr size_t kRoots = size_t{1} << (47 - kRootShift);
  static constexpr size_t kLeafEntries = size_t{1}
                                         << (kRootShift - kSegmentShift);

  struct Leaf {
    std::atomic<Segment*> segments[kLeafEntries];
  };

  static std::atomic<Leaf*> roots_[kRoots];
};

}  // namespace pool_internal
}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_POOL_ADDRESS_TABLE_H_
