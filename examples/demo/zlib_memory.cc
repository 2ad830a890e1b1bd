#include "poolscope/examples/demo/zlib_memory.h"

#include <malloc.h>

#include <cstddef>
#include <cstdlib>

namespace poolscope::demo {

void ZlibMemory::Attach(z_stream* stream) {
  stream->zalloc = &Allocate;
  stream->zfree = &Free;
  stream->opaque = this;
}

voidpf ZlibMemory::Allocate(voidpf memory, uInt items, uInt size) {
  // zlib's products fit: the largest is a window of 64 KiB.
  void* const block = std::malloc(size_t{items} * size);
  if (block == nullptr) return Z_NULL;
  ZlibMemory* const self = static_cast<ZlibMemory*>(memory);
  self->live_bytes_.fetch_add(malloc_usable_size(block),
                              std::memory_order_relaxed);
  self->live_blocks_.fetch_add(1, std::memory_order_relaxed);
  return block;
}

void ZlibMemory::Free(voidpf memory, voidpf block) {
  if (block == Z_NULL) return;
  ZlibMemory* const self = static_cast<ZlibMemory*>(memory);
  self->live_bytes_.fetch_sub(malloc_usable_size(block),
                              std::memory_order_relaxed);
  self->live_blocks_.fetch_sub(1, std::memory_order_relaxed);
  std::free(block);
}

}  // namespace poolscope::demo
