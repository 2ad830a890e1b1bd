// MemoryCgroups: where the limits on this process's memory are written.
//
//   /proc/self/cgroup      4:memory:/docker/abc        which cgroup
//   /proc/self/mountinfo   ... /docker /sys/fs/cgroup/memory ... - cgroup ...
//                              ^ what is mounted  ^ where
//   -> /sys/fs/cgroup/memory/abc, /sys/fs/cgroup/memory
//
// A limit holds for everything below it, so every ancestor counts, as far up as
// is mounted here: a container often sees no more than its own. Version 1 and
// version 2 may be mounted side by side (hybrid); the memory controller is in
// one of them, and the other's folders then lack its files.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_ALLOCATOR_BASE_MEMORY_CGROUPS_H_
#define POOLSCOPE_ALLOCATOR_BASE_MEMORY_CGROUPS_H_

#include <string>
#include <vector>

namespace poolscope {

struct MemoryCgroup {
  int version = 0;  // 1 or 2
  // The process's own cgroup first, then its ancestors up to the mount. They
  // need not exist: without a mountinfo, or in a namespace, it is a guess.
  std::vector<std::string> directories;
};

// Version 1 first. `root` is put before "/proc" and the mounts, for tests.
// Empty where /proc/self/cgroup cannot be read.
std::vector<MemoryCgroup> MemoryCgroups(const std::string& root);

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_BASE_MEMORY_CGROUPS_H_
