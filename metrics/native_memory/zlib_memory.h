// TrackZlibMemory(): what a stream of zlib allocates, under a category.
//
//   static NativeMemoryCategory* const kZlib =
//       NativeMemoryCategory::Register("Zlib").value();
//   z_stream stream{};
//   TrackZlibMemory(&stream, kZlib);
//   deflateInit(&stream, Z_DEFAULT_COMPRESSION);
//
// zlib has no functions for a whole process, so it is for each stream, and
// between a stream's making and its Init call. A stream of deflate holds about
// 262 KiB, one of inflate 39 KiB (zlib 1.2.13, default window). Blocks come
// from malloc() and have no header; their size is what malloc handed out.
//
// Thread safety: thread-safe for different streams.
#ifndef POOLSCOPE_METRICS_NATIVE_MEMORY_ZLIB_MEMORY_H_
#define POOLSCOPE_METRICS_NATIVE_MEMORY_ZLIB_MEMORY_H_

#include "poolscope/metrics/native_memory/native_memory_category.h"
#include "zlib.h"

namespace poolscope {

// Sets the stream's zalloc, zfree and opaque; `category` is not null.
void TrackZlibMemory(z_stream* stream, NativeMemoryCategory* category);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_NATIVE_MEMORY_ZLIB_MEMORY_H_
