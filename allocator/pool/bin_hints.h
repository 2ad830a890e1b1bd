// BinHints: a guess at a block's bin, in one load from the block's address.
//
//   hints  [0] [1] ... [address >> 12 & 0xffff] ... [65535]
//                        the class' bin, as a byte offset into a cache
//
// The truth is in the page word, two dependent loads away, and the thread's
// next allocation of the class waits for it: the processor must know where the
// free stored the block before it can load it. So a free goes on with the guess
// and holds it against the page word in a branch, for which nothing waits.
//
// An entry has what was last written for the addresses that share it, 256 MiB
// apart; a wrong guess costs a mispredicted branch and nothing else.
//
// Process-wide: 128 KiB of zeroed memory, of which a page becomes resident for
// 8 MiB of addresses in use.
//
// Thread safety: thread-safe. Arenas write, each under its own lock; any thread
// reads. All relaxed: it is a guess.
#ifndef POOLSCOPE_ALLOCATOR_POOL_BIN_HINTS_H_
#define POOLSCOPE_ALLOCATOR_POOL_BIN_HINTS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "poolscope/allocator/pool/segment.h"

namespace poolscope {
namespace pool_internal {

class BinHints {
 public:
  static uint64_t Get(uintptr_t address) {
    return hints_[Index(address)].load(std::memory_order_relaxed);
  }
  static void Set(uintptr_t address, uint64_t bin_offset) {
    hints_[Index(address)].store(bin_offset, std::memory_order_relaxed);
  }

 private:
  static constexpr size_t kEntries = size_t{1} << 16;

  static size_t Index(uintptr_t address) {
    return address >> kGranuleShift & (kEntries - 1);
  }

  // Hidden, so that its address takes no look-up of its own in a shared object.
  [[gnu::visibility("hidden")]] static inline std::atomic<uint16_t>
      hints_[kEntries];
};

}  // namespace pool_internal
}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_POOL_BIN_HINTS_H_
