// MergeMallocMapped(), MergeMallocInUse(), MergeTags(): what malloc and
// registered categories know is put into the rows that a walk over the mappings
// found. A walk sees mappings alone; what of them is in use, and for whom,
// others know.
//
//   malloc mapped      beyond what of it the walk found, out of Unknown: of a
//                      malloc that is not glibc's, and of glibc's main arena
//                      where something stands in the way of [heap]; taken for
//                      resident as far as Unknown is
//   malloc in use      of the malloc's own rows: all of Glibc Mmapped, of the
//                      heap and the thread arenas what each has in use
//   tagged, malloc     out of the malloc's own rows, in proportion to the bytes
//                      in use there, or to those committed where malloc does
//                      not tell what is in use; of one that tells nothing,
//                      out of Unknown too
//   tagged, mapped     out of Unknown, where mappings that nobody owns are
//   residency          as much of a row's as of its committed bytes is taken
//
// Sums stay what they were, to the byte: reserved, committed, resident. Where
// malloc or tags claim more than those rows have (they are read at another
// moment than the mappings, and a tag may be wrong), each gets its share of
// what is there. Residency is then an estimate, on both sides.
//
//   Glibc Heap     malloc 900, mmap 100, resident 500
//   tag OpenSSL    malloc 300
//   -->
//   Glibc Heap     malloc 600, mmap 100, resident 350, an estimate
//   OpenSSL        malloc 300,           resident 150, an estimate
//
// Thread safety: thread-safe; it works on the values given.
#ifndef POOLSCOPE_METRICS_NATIVE_MEMORY_TAGGED_BYTES_H_
#define POOLSCOPE_METRICS_NATIVE_MEMORY_TAGGED_BYTES_H_

#include <cstdint>

#include "absl/types/span.h"
#include "poolscope/metrics/native_memory/native_memory_stats.h"
#include "poolscope/metrics/native_memory/native_memory_tag.h"
#include "poolscope/metrics/process/malloc_figures.h"

namespace poolscope {

// Gives Other Malloc what that malloc has mapped in all, or Glibc Heap what the
// main arena has. Before MergeMallocInUse(), if that is called at all.
void MergeMallocMapped(const MallocFigures& malloc, NativeMemoryStats& stats);

// What is in use of the malloc's rows becomes malloc bytes, as far as `malloc`
// tells.
void MergeMallocInUse(const MallocFigures& malloc, NativeMemoryStats& stats);

// Adds a row for each tag, in order, before the last row, which is "Unknown".
// After MergeMallocInUse(), if that is called at all.
void MergeTags(absl::Span<const NativeMemoryTag> tags,
               NativeMemoryStats& stats);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_NATIVE_MEMORY_TAGGED_BYTES_H_
