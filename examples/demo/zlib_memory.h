// ZlibMemory: what zlib's streams take of malloc, counted where it happens.
//
//   ZlibMemory memory;
//   z_stream stream{};
//   memory.Attach(&stream);        // before deflateInit2() or inflateInit2()
//   ...
//   memory.live_bytes();           // of every stream attached to it
//
// Plain malloc and free behind zlib's own hooks: it changes nothing but adds
// up. A block counts for what malloc gave, which is what it may use.
//
// Thread safety: thread-safe. It outlives the streams attached to it.
#ifndef POOLSCOPE_EXAMPLES_DEMO_ZLIB_MEMORY_H_
#define POOLSCOPE_EXAMPLES_DEMO_ZLIB_MEMORY_H_

#include <zlib.h>

#include <atomic>
#include <cstdint>

namespace poolscope::demo {

class ZlibMemory {
 public:
  ZlibMemory() = default;
  ZlibMemory(const ZlibMemory&) = delete;
  ZlibMemory& operator=(const ZlibMemory&) = delete;

  void Attach(z_stream* stream);

  uint64_t live_bytes() const {
    return live_bytes_.load(std::memory_order_relaxed);
  }
  uint64_t live_blocks() const {
    return live_blocks_.load(std::memory_order_relaxed);
  }

 private:
  static voidpf Allocate(voidpf memory, uInt items, uInt size);
  static void Free(voidpf memory, voidpf block);

  // Relaxed: statistics that order nothing. A reader that sees one without the
  // other is off by a block.
  std::atomic<uint64_t> live_bytes_{0};
  std::atomic<uint64_t> live_blocks_{0};
};

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_ZLIB_MEMORY_H_
