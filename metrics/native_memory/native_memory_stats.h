// NativeMemoryStats: all memory of the process by owner, at one moment; plain
// values. What a walk over the mappings found, what the tracker counted and
// what the pools say, put together; every view of native memory is rendered
// from it.
//
//   smaps walk ----+
//   tracker -------+--> NativeMemoryStats --> text as a JVM prints it, JSON,
//   pools, malloc -+                          metrics, baseline and diff
//
// Categories are disjoint: residents add up to the walk's own Rss exactly.
// Bytes throughout.
#ifndef POOLSCOPE_METRICS_NATIVE_MEMORY_NATIVE_MEMORY_STATS_H_
#define POOLSCOPE_METRICS_NATIVE_MEMORY_NATIVE_MEMORY_STATS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace poolscope {

struct NativeMemoryCategoryStats {
  // Upper case first, letters and spaces, at most 26, unique: what the parsers
  // of the JVM's report take.
  std::string name;

  // reserved = malloc_bytes + mmap_reserved_bytes, committed likewise.
  uint64_t malloc_bytes = 0;  // in use, tagged by an embedder or of a malloc
  uint64_t malloc_count = 0;  // 0 where the malloc does not count
  uint64_t mmap_reserved_bytes = 0;
  uint64_t mmap_committed_bytes = 0;

  uint64_t resident_bytes = 0;
  // Tagged bytes lie somewhere in a malloc: their residency is taken from it in
  // proportion, and is no measurement.
  bool resident_is_estimate = false;

  uint64_t peak_committed_bytes = 0;  // of all walks so far
  // Mappings, blocks or threads: what the category consists of.
  uint64_t live_count = 0;
  // Threads that live, of Thread Stacks alone: fewer than its live_count, in
  // which the stacks are that are kept for threads to come, and both parts of
  // the main thread's.
  uint64_t threads = 0;

  uint64_t reserved_bytes() const { return malloc_bytes + mmap_reserved_bytes; }
  uint64_t committed_bytes() const {
    return malloc_bytes + mmap_committed_bytes;
  }
};

// One mapping, for the detailed views.
struct OwnedMapping {
  uint64_t start = 0;
  uint64_t end = 0;
  std::string permissions;  // "rw-p"
  std::string name;         // as the kernel gives it, made printable
  uint64_t resident_bytes = 0;
  std::string category;  // the name of one below
  std::string detail;    // such as "arena 3" or "thread 4711"; may be empty
};

// A row about parts of a category, beside the sums and not added to them.
struct NativeMemoryDetail {
  std::string category;
  std::string name;  // such as "thread caches", "arena 0", "outbound queues"
  uint64_t bytes = 0;
};

// Who holds tagged or sampled bytes, for the detailed views.
struct NativeMemoryCallSite {
  std::string category;             // the name of one below
  std::vector<std::string> frames;  // the innermost first
  uint64_t malloc_bytes = 0;        // an estimate where blocks are sampled
  uint64_t malloc_count = 0;
};

struct NativeMemoryStats {
  uint64_t walk_id = 0;  // 0: nothing was walked yet
  int64_t walked_at_unix_nanos = 0;
  double walk_seconds = 0;
  uint64_t resident_bytes = 0;  // the walk's sum

  std::vector<NativeMemoryCategoryStats> categories;  // "Unknown" is the last
  std::vector<NativeMemoryDetail> details;
  // Of the mappings for which the walk knows no owner those with most resident
  // bytes, the largest first. Tags and malloc may claim parts of them later.
  static constexpr size_t kMostUnknown = 10;
  std::vector<OwnedMapping> largest_unknown;
  std::vector<OwnedMapping> mappings;  // empty unless asked for
  uint64_t mapping_count = 0;
  std::vector<NativeMemoryCallSite> call_sites;  // likewise
  // Bytes that the tracker takes for its own records.
  uint64_t tracking_overhead_bytes = 0;
};

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_NATIVE_MEMORY_NATIVE_MEMORY_STATS_H_
