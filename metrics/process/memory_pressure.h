// MemoryPressure: how long tasks waited for memory (PSI), from the kernel.
//
// Time spent on reclaiming, on reading back what was dropped, and on waiting
// for either: it rises before anything is refused or killed. Of the process's
// own cgroup where that has a memory.pressure, which version 2 gives, else of
// the nearest ancestor that has, else of the machine.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_METRICS_PROCESS_MEMORY_PRESSURE_H_
#define POOLSCOPE_METRICS_PROCESS_MEMORY_PRESSURE_H_

#include <string>

#include "absl/status/statusor.h"

namespace poolscope {

// Counters, in seconds.
struct MemoryPressure {
  double some_seconds = 0;  // at least one task waited
  double full_seconds = 0;  // all that were not idle did
};

// `root` is put before "/proc" and "/sys", for tests. NotFoundError where the
// kernel does not count it, DataLossError names a file that is not understood.
absl::StatusOr<MemoryPressure> ReadMemoryPressure(const std::string& root);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_PROCESS_MEMORY_PRESSURE_H_
