#include "poolscope/allocator/pool/address_table.h"

namespace poolscope {
namespace pool_internal {

std::atomic<AddressTable::Leaf*> AddressTable::roots_[AddressTable::kRoots];

bool AddressTable::Enter(uintptr_t base, size_t bytes, Segment* segment,
                         MemorySource* source) {
  const uintptr_t end = base + bytes;
  for (uintptr_t at = base; at < end; at += size_t{1} << kRootShift) {
    // Leaves first, so that failing leaves nothing behind but a leaf.
    for (uintptr_t edge : {at, end - 1}) {
      std::atomic<Leaf*>& root = roots_[edge >> kRootShift & (kRoots - 1)];
      if (root.load(std::memory_order_acquire) != nullptr) continue;
      void* fresh =
          source->Map(sizeof(Leaf), 4096, MemorySource::Use::kMetadata);
      if (fresh == nullptr) return false;
      Leaf* expected = nullptr;
      // Release: a reader that finds the leaf finds it zeroed.
      if (!root.compare_exchange_strong(expected, static_cast<Leaf*>(fresh),
                                        std::memory_order_acq_rel)) {
        source->Unmap(fresh, sizeof(Leaf));
      }
    }
  }
  for (uintptr_t at = base; at < end; at += kSegmentBytes) {
    roots_[at >> kRootShift & (kRoots - 1)]
        .load(std::memory_order_acquire)
        ->segments[at >> kSegmentShift & (kLeafEntries - 1)]
        .store(segment, std::memory_order_release);
  }
  return true;
}

void AddressTable::Remove(uintptr_t base, size_t bytes) {
  for (uintptr_t at = base; at < base + bytes; at += kSegmentBytes) {
    roots_[at >> kRootShift & (kRoots - 1)]
        .load(std::memory_order_acquire)
        ->segments[at >> kSegmentShift & (kLeafEntries - 1)]
        .store(nullptr, std::memory_order_release);
  }
}

}  // namespace pool_internal
}  // namespace poolscope
