// GlibcMalloc: what glibc's malloc holds, over all of its arenas.
//
//   arena 0      the main heap (brk)
//   arena 1...   made as threads come, at most 8 a processor; each is a chain
//                of heaps, aligned at 64 MiB, of which as much is mapped as
//                was ever needed
//   mmapped      blocks too large for an arena, each a mapping of its own
//
//   mapped = in use + free; what a thread's own cache (tcache) keeps counts as
//   in use, for malloc does not tell.
//
// Asked of malloc_info(), and only where malloc itself is glibc's
// (malloc_library.h): under another malloc, a preloaded or a sanitizer's,
// glibc's figures would describe a heap that nobody uses. mallinfo2() has the
// same sums over every arena, but neither their number nor their sizes, and is
// no cheaper.
//
// Cost: takes each arena's lock while it walks what is free in it: 22 ms for
// 1.3 million free blocks of 100 bytes, during which that arena's threads wait.
// Not for a scrape. Allocates by malloc.
//
// Arenas are read one after the other, while threads go on: a sum is of no one
// moment.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_METRICS_PROCESS_GLIBC_MALLOC_H_
#define POOLSCOPE_METRICS_PROCESS_GLIBC_MALLOC_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace poolscope {

struct GlibcArena {
  uint64_t mapped_bytes = 0;
  uint64_t free_bytes = 0;  // kept for later allocations; at most mapped

  uint64_t in_use_bytes() const { return mapped_bytes - free_bytes; }
};

struct GlibcMalloc {
  std::vector<GlibcArena> arenas;  // the main one first; never empty
  uint64_t mmapped_bytes = 0;
  uint64_t mmapped_blocks = 0;

  // Over the arenas, without the mmapped blocks.
  uint64_t mapped_bytes() const;
  uint64_t free_bytes() const;
  uint64_t in_use_bytes() const { return mapped_bytes() - free_bytes(); }
};

// FailedPreconditionError when malloc is not glibc's, DataLossError when its
// answer is not understood.
absl::StatusOr<GlibcMalloc> ReadGlibcMalloc();

// The figures in what malloc_info() writes. DataLossError names what is
// missing.
absl::StatusOr<GlibcMalloc> ParseMallocInfo(absl::string_view xml);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_PROCESS_GLIBC_MALLOC_H_
