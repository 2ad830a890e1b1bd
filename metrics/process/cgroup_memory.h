// CgroupMemory: what the container may use, uses, and how often it was stopped.
//
//   limit ----------------------------------------------------------+
//   | in use: what the kernel cannot drop | inactive_file | free    |
//                                         +-- headroom -------------+
//
// Every level counts, the process's own cgroup and its ancestors: each limits
// all that is below it. Page cache that nobody used lately (inactive_file) goes
// before anything is refused or killed, so it is not held against the limit;
// active page cache and what a kernel reclaims with effort is.
//
//             version 2                      version 1
//   limit     memory.max, "max" for none     memory.limit_in_bytes, about 2^63
//   usage     memory.current                 memory.usage_in_bytes
//   cache     memory.stat: inactive_file     memory.stat: total_inactive_file
//   events    memory.events                  memory.failcnt as "max",
//                                            memory.oom_control as "oom_kill"
//
// Cost: some ten short files; version 2 sums up memory.stat as it is read,
// which takes up to milliseconds below many cgroups. Not for a scrape.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_METRICS_PROCESS_CGROUP_MEMORY_H_
#define POOLSCOPE_METRICS_PROCESS_CGROUP_MEMORY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace poolscope {

struct CgroupLevel {
  std::string directory;
  std::optional<uint64_t> limit_bytes;  // absent: none
  uint64_t usage_bytes = 0;
  uint64_t inactive_file_bytes = 0;

  // Usage less what goes first.
  uint64_t held_bytes() const;
  // What may still be held; 0 at or above the limit, absent without one.
  std::optional<uint64_t> headroom_bytes() const;
};

struct CgroupEvent {
  // A constant: "low", "high", "max", "oom", "oom_kill".
  absl::string_view name;
  uint64_t count = 0;  // counter
};

struct CgroupMemory {
  std::vector<CgroupLevel> levels;  // own cgroup first; never empty
  std::vector<CgroupEvent> events;  // of the own cgroup; those that are counted

  // The level whose limit is nearest, the own one where none has a limit.
  const CgroupLevel& Nearest() const;
};

// `root` is put before "/proc" and "/sys", for tests. NotFoundError where no
// cgroup's memory can be seen.
absl::StatusOr<CgroupMemory> ReadCgroupMemory(const std::string& root);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_PROCESS_CGROUP_MEMORY_H_
