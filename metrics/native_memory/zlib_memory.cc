#include "poolscope/metrics/native_memory/zlib_memory.h"

#include <malloc.h>

#include <cstddef>
#include <cstdlib>

namespace poolscope {
namespace {

void* Allocate(void* opaque, unsigned items, unsigned item_bytes) {
  // Two factors of 32 bits: the product fits.
  void* block = std::malloc(static_cast<size_t>(items) * item_bytes);
  if (block == nullptr) return nullptr;
  static_cast<NativeMemoryCategory*>(opaque)->RecordMalloc(
      malloc_usable_size(block));
  return block;
}

void Free(void* opaque, void* block) {
  if (block == nullptr) return;
  static_cast<NativeMemoryCategory*>(opaque)->RecordFree(
      malloc_usable_size(block));
  std::free(block);
}

}  // namespace

void TrackZlibMemory(z_stream* stream, NativeMemoryCategory* category) {
  stream->zalloc = Allocate;
  stream->zfree = Free;
  stream->opaque = category;
}

}  // namespace poolscope
