#include "poolscope/allocator/buffer/const_buffer.h"

#include <utility>

#include "poolscope/allocator/base/fatal.h"

namespace poolscope {

using buffer_internal::AllocatorCore;
using buffer_internal::SharedBlock;

ConstBuffer::ConstBuffer(AllocatorCore* core, uint8_t* block, size_t size)
    : core_(core),
      block_(new SharedBlock(core, block, size)),
      bytes_(block),
      size_(size) {}

ConstBuffer::ConstBuffer(ConstBuffer&& other) noexcept
    : core_(other.core_),
      block_(std::exchange(other.block_, nullptr)),
      bytes_(other.bytes_),
      size_(std::exchange(other.size_, 0)) {}

ConstBuffer& ConstBuffer::operator=(ConstBuffer&& other) noexcept {
  std::swap(core_, other.core_);
  std::swap(block_, other.block_);
  std::swap(bytes_, other.bytes_);
  std::swap(size_, other.size_);
  return *this;
}

ConstBuffer::~ConstBuffer() {
  if (block_ != nullptr) block_->ReleasePart();
}

Buffer ConstBuffer::Get() const {
  if (block_ == nullptr) {
    Fatal("Get of const buffer %p, which was moved from",
          static_cast<const void*>(this));
  }
  block_->AddPart();
  Buffer buffer(core_, block_, bytes_, size_);
  buffer.AdoptOffsets(0, size_);
  buffer.MakeReadOnly();
  return buffer;
}

}  // namespace poolscope
