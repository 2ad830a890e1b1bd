// SharedBlock: a block that several buffers have parts of, after a split or as
// a constant; it goes back when the last of them closes.
//
// Owned by its parts together. Its memory comes from malloc.
//
// Thread safety: thread-safe; each part is one buffer's.
#ifndef POOLSCOPE_ALLOCATOR_BUFFER_SHARED_BLOCK_H_
#define POOLSCOPE_ALLOCATOR_BUFFER_SHARED_BLOCK_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "poolscope/allocator/buffer/allocator_core.h"

namespace poolscope {
namespace buffer_internal {

class SharedBlock {
 public:
  // With one part. `size` as `core` was asked for.
  SharedBlock(AllocatorCore* core, uint8_t* block, size_t size)
      : core_(core), block_(block), size_(size) {}
  SharedBlock(const SharedBlock&) = delete;
  SharedBlock& operator=(const SharedBlock&) = delete;

  // Relaxed: who adds a part has one.
  void AddPart() { parts_.fetch_add(1, std::memory_order_relaxed); }

  void ReleasePart() {
    // The last part has nobody to race with, so a load is enough; it acquires
    // what other threads did with the parts that they released.
    if (parts_.load(std::memory_order_acquire) == 1 ||
        parts_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      core_->Free(block_, size_);
      delete this;
    }
  }

  // Whether the caller's part is the last one. Acquire: as in ReleasePart().
  bool IsLastPart() const {
    return parts_.load(std::memory_order_acquire) == 1;
  }

  const uint8_t* block() const { return block_; }

 private:
  ~SharedBlock() = default;

  AllocatorCore* const core_;
  uint8_t* const block_;
  const size_t size_;
  std::atomic<size_t> parts_{1};
};

}  // namespace buffer_internal
}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_BUFFER_SHARED_BLOCK_H_
