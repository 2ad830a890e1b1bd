// MemoryWalk: one walk over the process's mappings, as bytes by category.
//
//   pool ranges, loaded segments, threads --+
//   smaps ----------------------------------+--> Attribute() --> categories
//
//   options.pool_ranges = [pool] { return pool->Ranges(); };
//   MemoryWalk walk(options);
//   absl::StatusOr<NativeMemoryStats> stats =
//       walk.Take(MemoryWalk::Detail::kCategories, absl::Seconds(2));
//
// Reserved is address space; committed what of it may be accessed in any way
// (not PROT_NONE), as a JVM counts it: touched or not, and also where the
// system promised no memory for it (MAP_NORESERVE). Residents of the categories
// add up to NativeMemoryStats::resident_bytes exactly; every mapping that was
// read is in it, so that this is smaps' own sum. That of smaps_rollup or statm,
// taken at another moment, differs by what changed meanwhile.
//
// Categories of the walk: those of MemoryOwner, "Other Malloc" only where
// malloc is not glibc's, "Unknown" last. malloc_bytes and malloc_count are 0,
// as is the peak, which is that of what others leave here
// (native_memory_monitor.h).
//
// Thread safety: thread-compatible; see BackgroundWalker.
#ifndef POOLSCOPE_METRICS_NATIVE_MEMORY_MEMORY_WALK_H_
#define POOLSCOPE_METRICS_NATIVE_MEMORY_MEMORY_WALK_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "poolscope/allocator/pool/pool_range.h"
#include "poolscope/metrics/native_memory/native_memory_stats.h"
#include "poolscope/metrics/process/memory_owner.h"
#include "poolscope/metrics/process/smaps.h"

namespace poolscope {

struct MemoryWalkOptions {
  std::string proc_root = "/proc";
  // PooledAllocator::Ranges; none: there is no pool.
  std::function<std::vector<PoolRange>()> pool_ranges;
  // Whether malloc is glibc's, asked in each walk; none: it is.
  std::function<bool()> malloc_is_glibc;
};

class MemoryWalk {
 public:
  enum class Detail {
    kCategories,
    kMappings,  // NativeMemoryStats::mappings as well, in ascending order
  };

  explicit MemoryWalk(MemoryWalkOptions options);
  MemoryWalk(const MemoryWalk&) = delete;
  MemoryWalk& operator=(const MemoryWalk&) = delete;

  // Errors: those of ReadSmaps; DeadlineExceededError once it has taken longer
  // than `budget`, which is looked at after each mapping and each look at what
  // stands in one.
  absl::StatusOr<NativeMemoryStats> Take(Detail detail, absl::Duration budget);

 private:
  absl::Status ReadMappings(int64_t deadline_nanos,
                            std::vector<Mapping>* mappings) const;
  void AppendPoolClaims(std::vector<MemoryClaim>* claims) const;

  const MemoryWalkOptions options_;
  uint64_t walks_ = 0;
};

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_NATIVE_MEMORY_MEMORY_WALK_H_
