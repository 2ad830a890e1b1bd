// AddressTable: from any pointer to its segment, in one load.
//
//   slots  [0] [1] ... [address >> 22] ... [2^25 - 1]     one pointer each
//
// The process-wide table, since a pointer to free may belong to any allocator.
// It covers the 47 bits of user addresses: 256 MiB of address space, reserved
// when the first allocator is created, of which a page of 4 KiB becomes
// resident for every 2 GiB of addresses in which segments lie. A pointer that
// no allocator handed out finds null and is never dereferenced.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_ALLOCATOR_POOL_ADDRESS_TABLE_H_
#define POOLSCOPE_ALLOCATOR_POOL_ADDRESS_TABLE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "poolscope/allocator/pool/pool_range.h"
#include "poolscope/allocator/pool/segment.h"

namespace poolscope {
namespace pool_internal {

class AddressTable {
 public:
  static constexpr size_t kSlots = size_t{1} << (47 - kSegmentShift);

  // Reserves the table. False when the system refuses; then nothing below but
  // FindAny() may be called.
  [[nodiscard]] static bool Init();

  // Null unless `address` lies in a chunk or huge block of some allocator.
  static Segment* Find(uintptr_t address) {
    // Relaxed: whoever may use the pointer got it from the thread that entered
    // its segment, and with it that thread's writes.
    return slots_[address >> kSegmentShift & (kSlots - 1)].load(
        std::memory_order_relaxed);
  }

  // The same for a block that some allocator handed out.
  static Segment* FindBlock(uintptr_t address) {
    return slots_[address >> kSegmentShift].load(std::memory_order_relaxed);
  }

  // The same, also before Init() and for addresses that no user program has.
  static Segment* FindAny(uintptr_t address) {
    if (slots_ == nullptr || address >> 47 != 0) return nullptr;
    return Find(address);
  }

  // Enters `segment` for every slot of [base, base + bytes).
  static void Enter(uintptr_t base, size_t bytes, Segment* segment);
  static void Remove(uintptr_t base, size_t bytes) {
    Enter(base, bytes, nullptr);
  }

  // The table itself. After Init().
  static void AppendRange(std::vector<PoolRange>* ranges);

 private:
  // Written once, before the first segment exists. Hidden: one load less.
  [[gnu::visibility("hidden")]] static std::atomic<Segment*>* slots_;
};

}  // namespace pool_internal
}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_POOL_ADDRESS_TABLE_H_
