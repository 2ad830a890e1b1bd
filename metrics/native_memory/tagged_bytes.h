// MergeTags(): registered categories become rows of the report, and their bytes
// leave the rows in which the walk found them.
//
//   malloc bytes       out of the malloc's own rows, in proportion to the bytes
//                      in use there: Glibc Heap, Thread Arenas, Mmapped
//   mapped bytes       out of Unknown, where mappings that nobody owns are
//   residency          as much of a row's as of its committed bytes is taken
//
// Sums stay what they were, to the byte: reserved, committed, resident. Where
// tags claim more than those rows have (they are read at another moment than
// the mappings, and a tag may be wrong), each gets its share of what is there.
// Residency is then an estimate, on both sides.
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

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "poolscope/metrics/native_memory/native_memory_stats.h"
#include "poolscope/metrics/native_memory/native_memory_tag.h"

namespace poolscope {

// The rows of glibc's malloc, which tags are taken out of by default.
inline constexpr absl::string_view kGlibcRows[] = {
    "Glibc Heap", "Glibc Thread Arenas", "Glibc Mmapped"};

// Adds a row for each tag, in order, before the last row, which is "Unknown".
// `malloc_rows` names the rows that the malloc's bytes are in; one that is not
// there has none.
void MergeTags(absl::Span<const NativeMemoryTag> tags,
               absl::Span<const absl::string_view> malloc_rows,
               NativeMemoryStats& stats);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_NATIVE_MEMORY_TAGGED_BYTES_H_
