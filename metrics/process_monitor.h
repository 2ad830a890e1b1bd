// ProcessMonitor: takes ProcessFigures in the background, and keeps the last.
//
//   periodic task --Sample()--> cgroup, PSI, malloc --> last
//                                    scrape <--Latest()--+
//
//   ProcessMonitor monitor(ProcessMonitorOptions{});
//   const auto sample = [&] { monitor.Sample(registry.Snapshots("", false)); };
//   tasks->Add(&monitor, sample);
//   options.process_figures = [&] { return monitor.Latest(); };
//
// A scrape reads nothing but memory: it never waits for a lock of malloc's nor
// for the kernel to sum up a cgroup, and what it shows has an age.
//
// Each Sample() also feeds one LimitForecast a limit: of each pool, and of each
// level of cgroups. Malloc is asked at most once in kMallocCostFactor times as
// long as asking took, so that a heap with millions of free blocks, whose locks
// asking holds, costs its threads no more than a thousandth of their time.
//
// Thread safety: Latest() may be called from any thread at any time, and does
// not wait for a Sample() under way; Sample() from one thread at a time.
#ifndef POOLSCOPE_METRICS_PROCESS_MONITOR_H_
#define POOLSCOPE_METRICS_PROCESS_MONITOR_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "poolscope/allocator/base/clock.h"
#include "poolscope/allocator/base/mutex.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/metrics/limit_forecast.h"
#include "poolscope/metrics/process_figures.h"

namespace poolscope {

struct ProcessMonitorOptions {
  // Put before "/proc" and "/sys".
  std::string root;
  const Clock* clock = Clock::Real();
  std::function<absl::StatusOr<MallocFigures>()> read_malloc =
      ReadMallocFigures;
};

class ProcessMonitor {
 public:
  static constexpr int kMallocCostFactor = 1000;

  explicit ProcessMonitor(ProcessMonitorOptions options);
  ProcessMonitor(const ProcessMonitor&) = delete;
  ProcessMonitor& operator=(const ProcessMonitor&) = delete;

  // `pools` are those there are now; one that is not among them the next time
  // is forgotten.
  void Sample(absl::Span<const AllocatorStats> pools);

  // Absent before the first Sample().
  std::optional<ProcessFigures> Latest() const;

 private:
  struct Taken {
    ProcessFigures figures;  // ages are those when asked
    int64_t limits_nanos = 0;
    int64_t malloc_nanos = 0;
  };

  std::optional<double> Forecast(absl::Span<const AllocatorStats> pools,
                                 const std::optional<CgroupMemory>& cgroup);

  const ProcessMonitorOptions options_;

  // Sample()'s alone.
  std::map<std::string, LimitForecast> forecasts_;  // by limit
  int64_t next_malloc_nanos_ = 0;

  mutable Mutex mutex_;
  std::optional<Taken> taken_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_PROCESS_MONITOR_H_
