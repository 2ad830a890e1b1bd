// NativeMemoryText(): the figures of one walk as text that is read back, to be
// kept in a file. Without mappings and call sites.
//
//   walk<TAB>7<TAB>1700000000000000000<TAB>0.25<TAB>...
//   category<TAB>Glibc Heap<TAB>5242880<TAB>...
//
// A line a row, in the order of the vectors; fields as in NativeMemoryStats,
// separated by tabs, text with C's escapes.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_METRICS_NATIVE_MEMORY_NATIVE_MEMORY_TEXT_H_
#define POOLSCOPE_METRICS_NATIVE_MEMORY_NATIVE_MEMORY_TEXT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "poolscope/metrics/native_memory/native_memory_stats.h"

namespace poolscope {

std::string NativeMemoryText(const NativeMemoryStats& stats);

// InvalidArgumentError names the line that is not one of these.
absl::StatusOr<NativeMemoryStats> ParseNativeMemoryText(absl::string_view text);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_NATIVE_MEMORY_NATIVE_MEMORY_TEXT_H_
