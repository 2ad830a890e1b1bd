// ProcessFigures: what is known of the process's memory beside the pools, as
// plain values; taken in the background, since some of it is dear to read.
#ifndef POOLSCOPE_METRICS_PROCESS_FIGURES_H_
#define POOLSCOPE_METRICS_PROCESS_FIGURES_H_

#include <optional>

#include "poolscope/metrics/process/cgroup_memory.h"
#include "poolscope/metrics/process/malloc_figures.h"
#include "poolscope/metrics/process/memory_pressure.h"

namespace poolscope {

// How a part of the figures was taken.
struct SampleRun {
  bool success = false;
  double duration_seconds = 0;
  double age_seconds = 0;
};

struct ProcessFigures {
  SampleRun limits;  // fails where there is neither a cgroup nor pressure
  std::optional<CgroupMemory> cgroup;
  std::optional<MemoryPressure> pressure;
  std::optional<double> oom_eta_seconds;  // of the nearest; while growing

  SampleRun malloc;
  std::optional<MallocFigures> malloc_figures;
};

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_PROCESS_FIGURES_H_
