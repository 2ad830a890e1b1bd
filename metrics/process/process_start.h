// When the process was started, from procfs.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_METRICS_PROCESS_PROCESS_START_H_
#define POOLSCOPE_METRICS_PROCESS_PROCESS_START_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace poolscope {

// Seconds since the epoch, to a hundredth: when the machine was booted, of
// stat, and the start after that, of self/stat. It is the same for the life of
// the process, so one reading is enough. `proc_root` is where procfs is mounted
// ("/proc"). NotFoundError when a file cannot be read, DataLossError when one
// does not hold what it should; both name the file.
absl::StatusOr<double> ReadProcessStartSeconds(absl::string_view proc_root);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_PROCESS_PROCESS_START_H_
