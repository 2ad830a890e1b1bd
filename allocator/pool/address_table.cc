#include "poolscope/allocator/pool/address_table.h"

#include <sys/mman.h>

namespace poolscope {
namespace pool_internal {
namespace {

constexpr size_t kBytes = AddressTable::kSlots * sizeof(std::atomic<Segment*>);

}  // namespace

std::atomic<Segment*>* AddressTable::slots_ = nullptr;

bool AddressTable::Init() {
  static const bool ready = [] {
    void* slots = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (slots == MAP_FAILED) return false;
    // Not 2 MiB for the first segment. A kernel that refuses has no such pages.
    madvise(slots, kBytes, MADV_NOHUGEPAGE);
    slots_ = static_cast<std::atomic<Segment*>*>(slots);
    return true;
  }();
  return ready;
}

void AddressTable::AppendRange(std::vector<PoolRange>* ranges) {
  ranges->push_back(MetadataRange(slots_, kBytes));
}

void AddressTable::Enter(uintptr_t base, size_t bytes, Segment* segment) {
  const uintptr_t end = base + bytes;
  for (uintptr_t at = base; at < end; at += kSegmentBytes) {
    // Release: a reader that finds the segment finds it filled in.
    slots_[at >> kSegmentShift].store(segment, std::memory_order_release);
  }
}

}  // namespace pool_internal
}  // namespace poolscope
