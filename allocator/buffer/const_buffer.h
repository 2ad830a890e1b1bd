// ConstBuffer: bytes that never change, of which any number of read-only
// buffers can be had without copying.
//
//   absl::StatusOr<ConstBuffer> crlf = allocator->MakeConst("\r\n");
//   ...
//   Buffer line_end = crlf->Get();      // two readable bytes, on any thread
//
// Its buffers share the memory with it, and may outlive it: it goes back with
// the last of them. Each has offsets of its own, and can be split and sent.
//
// Thread safety: Get() may be called by any threads at once.
#ifndef POOLSCOPE_ALLOCATOR_BUFFER_CONST_BUFFER_H_
#define POOLSCOPE_ALLOCATOR_BUFFER_CONST_BUFFER_H_

#include <cstddef>
#include <cstdint>

#include "poolscope/allocator/buffer/buffer.h"

namespace poolscope {

class ConstBuffer final {
 public:
  // By BufferAllocator::MakeConst(). Takes `block` over, `size` bytes of
  // `core`.
  ConstBuffer(buffer_internal::AllocatorCore* core, uint8_t* block,
              size_t size);
  // What was moved from has nothing to Get.
  ConstBuffer(ConstBuffer&& other) noexcept;
  ConstBuffer& operator=(ConstBuffer&& other) noexcept;
  ~ConstBuffer();
  ConstBuffer(const ConstBuffer&) = delete;
  ConstBuffer& operator=(const ConstBuffer&) = delete;

  size_t size() const { return size_; }
  Buffer Get() const;

 private:
  buffer_internal::AllocatorCore* core_;
  buffer_internal::SharedBlock* block_;  // null when moved from
  uint8_t* bytes_;
  size_t size_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_BUFFER_CONST_BUFFER_H_
