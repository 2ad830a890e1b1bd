// LastMemoryWalk: what is known of native memory without walking now.
#ifndef POOLSCOPE_METRICS_NATIVE_MEMORY_LAST_MEMORY_WALK_H_
#define POOLSCOPE_METRICS_NATIVE_MEMORY_LAST_MEMORY_WALK_H_

#include <memory>

#include "absl/status/status.h"
#include "poolscope/metrics/native_memory/native_memory_stats.h"

namespace poolscope {

struct LastMemoryWalk {
  // Of the last walk that succeeded. Never null; walk_id is 0 before the first.
  std::shared_ptr<const NativeMemoryStats> stats =
      std::make_shared<const NativeMemoryStats>();
  double age_seconds = 0;
  absl::Status latest;  // how the latest attempt ended
};

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_NATIVE_MEMORY_LAST_MEMORY_WALK_H_
