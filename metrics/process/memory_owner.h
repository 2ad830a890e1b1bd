// MemoryOwner: whose a piece of the address space is. Every byte has one.
#ifndef POOLSCOPE_METRICS_PROCESS_MEMORY_OWNER_H_
#define POOLSCOPE_METRICS_PROCESS_MEMORY_OWNER_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace poolscope {

enum class MemoryOwner {
  kPoolArenas,         // the pool's chunks
  kPoolHuge,           // its blocks that are larger than a chunk
  kPoolMetadata,       // its tables
  kGlibcHeap,          // [heap], which glibc's main arena grows by brk()
  kGlibcThreadArenas,  // its further arenas: heaps of 64 MiB of addresses each
  kGlibcMmapped,       // blocks for which it made a mapping of their own
  kOtherMalloc,        // [heap], where another malloc than glibc's is in use
  kThreadStacks,       // with guard pages, thread-local storage included
  kCode,               // programs and libraries with their data; vdso; JITs
  kMappedFiles,
  kSharedMemory,  // /dev/shm, memfd, System V, shared anonymous
  kUnknown,
};
inline constexpr size_t kMemoryOwnerCount = 12;

// "Pool Arenas" and so on; kUnknown's is "Unknown".
absl::string_view MemoryOwnerName(MemoryOwner owner);

// Addresses of which it is known beforehand whose they are.
struct MemoryClaim {
  uint64_t start = 0;
  uint64_t end = 0;
  MemoryOwner owner = MemoryOwner::kUnknown;
  std::string detail;  // such as "arena 3"; may be empty
};

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_PROCESS_MEMORY_OWNER_H_
