// MallocFigures: what malloc holds, whichever malloc it is, under one schema.
//
//                 in use              mapped               arenas
//   glibc         mapped less free    its arenas, and      its arenas
//                                     blocks of a mapping
//   jemalloc      stats.allocated     stats.mapped         those initialized
//   tcmalloc      current_allocated   heap_size, without   1, the page heap
//                                     what was unmapped
//   mimalloc      -                   committed            -
//   other         -                   -                    -
//
//   mapped = in use + free, kept for later + records of the malloc itself
//
// What is not told is absent, not 0. mimalloc as it is released counts nothing
// that goes beyond a thread; `thread_in_use_bytes` is what the calling thread's
// heap tells. What threads cache counts as in use under glibc and jemalloc, as
// free under tcmalloc. A block counts with what it takes: glibc's with 8 to 24
// bytes of header, the others' with their size class.
//
// Cost: see glibc_malloc.h; jemalloc and tcmalloc add up their threads' caches
// and arenas, under their locks. Not for a scrape.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_METRICS_PROCESS_MALLOC_FIGURES_H_
#define POOLSCOPE_METRICS_PROCESS_MALLOC_FIGURES_H_

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "poolscope/metrics/process/malloc_library.h"

namespace poolscope {

struct MallocFigures {
  MallocKind kind = MallocKind::kOther;
  std::optional<uint64_t> in_use_bytes;
  std::optional<uint64_t> free_bytes;
  std::optional<uint64_t> mapped_bytes;
  std::optional<uint64_t> arenas;
  // Of glibc's arenas; what is mmapped comes on top.
  std::optional<uint64_t> main_arena_mapped_bytes;
  std::optional<uint64_t> main_arena_in_use_bytes;
  std::optional<uint64_t> thread_arenas_in_use_bytes;
  // In use in the calling thread's heap alone; of mimalloc.
  std::optional<uint64_t> thread_in_use_bytes;
};

// DataLossError says what the malloc did not answer. Of a malloc that is not
// known there is its kind.
absl::StatusOr<MallocFigures> ReadMallocFigures();

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_PROCESS_MALLOC_FIGURES_H_
