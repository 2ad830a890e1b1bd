#include "poolscope/metrics/process/glibc_blocks.h"

namespace poolscope {
namespace {

constexpr uint64_t kPageBytes = 4096;
constexpr uint64_t kPageMask = kPageBytes - 1;
constexpr uint64_t kHeapMask = kGlibcHeapAlignment - 1;
constexpr uint64_t kIsMmapped = 2;

}  // namespace

uint64_t GlibcHeapBytes(uint64_t address, absl::Span<const uint64_t> words) {
  const uint64_t arena = words[0];
  const uint64_t previous = words[1];
  const uint64_t used_bytes = words[2];
  const uint64_t writable_bytes = words[3];
  // The arena lies right behind the header of its first heap, which alone has
  // none before it.
  const uint64_t arena_heap = arena & ~kHeapMask;
  const uint64_t arena_offset = arena & kHeapMask;
  if (arena_heap == 0 || arena_offset < kGlibcHeapWords * sizeof(uint64_t) ||
      arena_offset >= kPageBytes || arena_offset % sizeof(uint64_t) != 0 ||
      (arena_heap == address) != (previous == 0) ||
      (previous & kHeapMask) != 0 || previous == address) {
    return 0;
  }
  if (used_bytes == 0 || used_bytes % kPageBytes != 0 ||
      writable_bytes % kPageBytes != 0 || writable_bytes < used_bytes ||
      writable_bytes > kGlibcHeapAlignment) {
    return 0;
  }
  return writable_bytes;
}

uint64_t GlibcMmappedBytes(absl::Span<const uint64_t> words,
                           uint64_t room_bytes) {
  const uint64_t lead_bytes = words[0];
  const uint64_t size = words[1];
  if (lead_bytes != 0 || (size & kPageMask) != kIsMmapped) return 0;
  const uint64_t bytes = size - kIsMmapped;
  return bytes <= room_bytes ? bytes : 0;
}

}  // namespace poolscope
