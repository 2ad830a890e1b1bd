// PoolBlock: owns one block of a PooledAllocator.
//
// Freed on the thread that destroys it, whichever that is. Move-only; empty
// once moved from. The allocator must outlive it.
#ifndef POOLSCOPE_EXAMPLES_DEMO_POOL_BLOCK_H_
#define POOLSCOPE_EXAMPLES_DEMO_POOL_BLOCK_H_

#include <cstddef>
#include <utility>

#include "absl/types/span.h"
#include "poolscope/allocator/pool/pooled_allocator.h"

namespace poolscope::demo {

class PoolBlock {
 public:
  PoolBlock() = default;
  PoolBlock(PoolBlock&& other) noexcept
      : pool_(other.pool_),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  PoolBlock& operator=(PoolBlock&& other) noexcept {
    if (this != &other) {
      Reset();
      pool_ = other.pool_;
      data_ = std::exchange(other.data_, nullptr);
      size_ = std::exchange(other.size_, 0);
    }
    return *this;
  }
  ~PoolBlock() { Reset(); }

  // Not valid() when the pool refuses.
  [[nodiscard]] static PoolBlock Allocate(PooledAllocator* pool, size_t size) {
    PoolBlock block;
    block.pool_ = pool;
    block.data_ = static_cast<char*>(pool->Allocate(size));
    block.size_ = block.data_ == nullptr ? 0 : size;
    return block;
  }

  bool valid() const { return data_ != nullptr; }
  char* data() const { return data_; }
  size_t size() const { return size_; }

  void Reset() {
    if (data_ != nullptr) pool_->Free(data_, size_);
    data_ = nullptr;
    size_ = 0;
  }

 private:
  PooledAllocator* pool_ = nullptr;
  char* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_POOL_BLOCK_H_
