#include "poolscope/metrics/process/memory_owner.h"

namespace poolscope {

absl::string_view MemoryOwnerName(MemoryOwner owner) {
  switch (owner) {
    case MemoryOwner::kPoolArenas:
      return "Pool Arenas";
    case MemoryOwner::kPoolHuge:
      return "Pool Huge";
    case MemoryOwner::kPoolMetadata:
      return "Pool Metadata";
    case MemoryOwner::kGlibcHeap:
      return "Glibc Heap";
    case MemoryOwner::kGlibcThreadArenas:
      return "Glibc Thread Arenas";
    case MemoryOwner::kGlibcMmapped:
      return "Glibc Mmapped";
    case MemoryOwner::kOtherMalloc:
      return "Other Malloc";
    case MemoryOwner::kThreadStacks:
      return "Thread Stacks";
    case MemoryOwner::kCode:
      return "Code";
    case MemoryOwner::kMappedFiles:
      return "Mapped Files";
    case MemoryOwner::kSharedMemory:
      return "Shared Memory";
    case MemoryOwner::kUnknown:
      break;
  }
  return "Unknown";
}

}  // namespace poolscope
