// What glibc's malloc maps for itself, recognised by what it writes at the
// start: its address alone tells nothing.
//
//   heap of a thread arena, aligned to 64 MiB     mmapped chunk
//     +0   its arena, in this or another heap      +0   0
//     +8   the arena's heap before it, or null     +8   bytes | 2
//     +16  bytes in use, whole pages               +16  the block
//     +24  bytes made writable so far; behind
//          them the rest of 64 MiB is PROT_NONE
//
// These have stood since glibc 2.10, on 64-bit machines of 4 KiB pages and with
// heaps of 64 MiB (the default; the tunable glibc.malloc.hugetlb=2 makes larger
// ones, whose memory is then Unknown).
//
// Thread safety: thread-safe; the words are given.
#ifndef POOLSCOPE_METRICS_PROCESS_GLIBC_BLOCKS_H_
#define POOLSCOPE_METRICS_PROCESS_GLIBC_BLOCKS_H_

#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"

namespace poolscope {

inline constexpr uint64_t kGlibcHeapAlignment = uint64_t{64} << 20;
inline constexpr size_t kGlibcHeapWords = 4;
inline constexpr size_t kGlibcChunkWords = 2;

// The writable bytes of the heap at `address`, or 0 when it is none. `words`:
// the first kGlibcHeapWords at that address.
uint64_t GlibcHeapBytes(uint64_t address, absl::Span<const uint64_t> words);

// The bytes of the mmapped chunk that begins with `words`, the first
// kGlibcChunkWords of a page, and ends within `room_bytes`; 0 when it is none.
uint64_t GlibcMmappedBytes(absl::Span<const uint64_t> words,
                           uint64_t room_bytes);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_PROCESS_GLIBC_BLOCKS_H_
