// The memory that this process may use: its container's limit, or the RAM.
//
// cgroup v2 (memory.max) and v1 (memory.limit_in_bytes) are read from the
// process's own cgroup up to the root (memory_cgroups.h); the least limit
// counts. v1 writes "no limit" as a number near 2^63; anything at or above the
// machine's RAM is taken as none.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_ALLOCATOR_BASE_CONTAINER_LIMIT_H_
#define POOLSCOPE_ALLOCATOR_BASE_CONTAINER_LIMIT_H_

#include <cstdint>
#include <string>

namespace poolscope {

// Bytes. `root` is put before "/proc" and "/sys", for tests. Where nothing can
// be read, 1 GiB.
uint64_t AvailableMemoryBytes(const std::string& root = "");

// Processors this process may run on (sched_getaffinity), at least 1.
int AvailableCores();

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_BASE_CONTAINER_LIMIT_H_
