// NativeMemoryMonitor: native memory as it is reported. A walk over the
// mappings knows whose each is; what is in use of them, and for whom, is told
// by others, and put into its rows.
//
//   mappings --MemoryWalk--------> rows of owners ---+
//   malloc's figures --MergeMallocInUse()----------->|  NativeMemoryStats
//   the sidecar, registered categories --MergeTags()-+--> scrape, /debug/maps,
//   allocators, channels --PoolDetails()------------>|    /debug/memory
//   live blocks --PoolCallSites()------------------->+
//
//   NativeMemoryMonitor monitor(options, &registry);
//   tasks->Add(&monitor, [&] { monitor.WalkIfDue(); });
//   options.native_memory = [&] { return monitor.Latest(); };
//
// Thread safety: thread-safe. WalkIfDue() and Read() may take seconds, Latest()
// does not wait for them.
//
// Ownership: the registry is borrowed, and used by walks alone.
#ifndef POOLSCOPE_METRICS_NATIVE_MEMORY_MONITOR_H_
#define POOLSCOPE_METRICS_NATIVE_MEMORY_MONITOR_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "poolscope/allocator/base/clock.h"
#include "poolscope/allocator/pool/pool_range.h"
#include "poolscope/metrics/metric_registry.h"
#include "poolscope/metrics/native_memory/background_walker.h"
#include "poolscope/metrics/native_memory/last_memory_walk.h"
#include "poolscope/metrics/native_memory/memory_walk.h"
#include "poolscope/metrics/native_memory/native_memory_stats.h"
#include "poolscope/metrics/process/malloc_figures.h"

namespace poolscope {

struct NativeMemoryMonitorOptions {
  // Where procfs is mounted.
  std::string proc_root = "/proc";
  BackgroundWalkerOptions walker;
  // Those of the pools and of what belongs to them; null: there are none.
  std::function<std::vector<PoolRange>()> pool_ranges;
  // Bytes of malloc's that the sidecar holds for itself; null counts none.
  std::function<uint64_t()> sidecar_bytes;
  std::function<absl::StatusOr<MallocFigures>()> read_malloc =
      ReadMallocFigures;
};

class NativeMemoryMonitor {
 public:
  NativeMemoryMonitor(NativeMemoryMonitorOptions options,
                      const MetricRegistry* registry);
  NativeMemoryMonitor(const NativeMemoryMonitor&) = delete;
  NativeMemoryMonitor& operator=(const NativeMemoryMonitor&) = delete;

  // As BackgroundWalker's.
  void WalkIfDue() { walker_.WalkIfDue(); }
  LastMemoryWalk Latest() const { return walker_.Latest(); }

  // A walk of now, with mappings where asked for. The error of the walk.
  absl::StatusOr<BackgroundWalker::Stats> Walk(MemoryWalk::Detail detail) {
    return walker_.WalkNow(detail);
  }
  // The same for a report: where `detailed`, with mappings and call sites.
  absl::StatusOr<NativeMemoryStats> Read(bool detailed);

 private:
  // Malloc holds its locks while it answers: seconds where it has millions of
  // free blocks. However often walks are asked for, it is held up for no more
  // than a fiftieth of the time.
  static constexpr int64_t kMallocCostFactor = 50;
  void AskMalloc();

  absl::StatusOr<NativeMemoryStats> WalkAndMerge(MemoryWalk::Detail detail,
                                                 absl::Duration budget);

  const std::function<uint64_t()> sidecar_bytes_;
  const std::function<absl::StatusOr<MallocFigures>()> read_malloc_;
  const Clock* const clock_;
  const MetricRegistry* const registry_;
  // The walker's alone, one walk at a time. Peaks are by category.
  MallocFigures malloc_;
  int64_t malloc_due_nanos_ = 0;
  MemoryWalk walk_;
  std::map<std::string, uint64_t> peak_committed_bytes_;
  BackgroundWalker walker_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_NATIVE_MEMORY_MONITOR_H_
