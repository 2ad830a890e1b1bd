// ProcessMemory: the process's resident and virtual size, from procfs.
//
// Read from /proc/self/statm: one short read, whatever the number of mappings.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_METRICS_PROCESS_PROCESS_MEMORY_H_
#define POOLSCOPE_METRICS_PROCESS_PROCESS_MEMORY_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace poolscope {

struct ProcessMemory {
  uint64_t resident_bytes = 0;
  uint64_t virtual_bytes = 0;
};

// `proc_root` is where procfs is mounted ("/proc"). NotFoundError when the file
// cannot be read, DataLossError when it does not hold what statm holds; both
// name the file.
absl::StatusOr<ProcessMemory> ReadProcessMemory(absl::string_view proc_root);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_PROCESS_PROCESS_MEMORY_H_
