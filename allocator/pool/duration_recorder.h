// DurationRecorder: how long sampled allocations took, by path.
//
// One writer at a time (a thread cache's owner, or under a lock); a snapshot
// adds several up with AddTo().
//
// Thread safety: as SingleWriterCounter.
#ifndef POOLSCOPE_ALLOCATOR_POOL_DURATION_RECORDER_H_
#define POOLSCOPE_ALLOCATOR_POOL_DURATION_RECORDER_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "poolscope/allocator/base/single_writer_counter.h"
#include "poolscope/allocator/pool/allocator_stats.h"

namespace poolscope {
namespace pool_internal {

class DurationRecorder {
 public:
  void Record(AllocationPath path, int64_t nanos) {
    const uint64_t value = nanos < 0 ? 0 : nanos;
    size_t bucket = 0;
    while (bucket < kDurationBoundsNanos.size() &&
           value > kDurationBoundsNanos[bucket]) {
      ++bucket;
    }
    PerPath& to = paths_[static_cast<int>(path)];
    to.sum_nanos.Add(value);
    to.counts[bucket].Add(1);
  }

  void AddTo(std::array<DurationStats, kAllocationPathCount>* stats) const {
    for (int path = 0; path < kAllocationPathCount; ++path) {
      DurationStats& to = (*stats)[path];
      for (size_t i = 0; i < to.counts.size(); ++i) {
        to.counts[i] += paths_[path].counts[i].Value();
      }
      to.sum_seconds += 1e-9 * paths_[path].sum_nanos.Value();
    }
  }

 private:
  struct PerPath {
    std::array<SingleWriterCounter, kDurationBoundsNanos.size() + 1> counts;
    SingleWriterCounter sum_nanos;
  };
  std::array<PerPath, kAllocationPathCount> paths_;
};

}  // namespace pool_internal
}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_POOL_DURATION_RECORDER_H_
