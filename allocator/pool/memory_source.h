// MemorySource: where chunks, huge blocks and the allocator's own tables come
// from.
//
//   Arena -> Chunk -> MemorySource -> mmap
//
// The one seam between the pool and the operating system, so that a test can
// count mappings and make the Nth of them fail.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_ALLOCATOR_POOL_MEMORY_SOURCE_H_
#define POOLSCOPE_ALLOCATOR_POOL_MEMORY_SOURCE_H_

#include <cstddef>

namespace poolscope {

class MemorySource {
 public:
  // What a mapping is for, which decides how large its pages are.
  enum class Use {
    kBlocks,      // users' memory, in 4 KiB pages: the first byte costs one
    kHugeBlocks,  // users' memory, in transparent huge pages where it can be
    kMetadata,    // the allocator's own, as the system has it
  };

  virtual ~MemorySource() = default;

  // Zeroed, private memory of `bytes` bytes, a multiple of 4096, aligned to
  // `alignment`, a power of two. Null when the system refuses.
  [[nodiscard]] virtual void* Map(size_t bytes, size_t alignment, Use use) = 0;

  // Returns a whole mapping.
  virtual void Unmap(void* base, size_t bytes) = 0;

  // Gives the pages' memory back and keeps the address range; they read as
  // zero afterwards. False when the system refuses, which changes nothing.
  virtual bool Purge(void* base, size_t bytes) = 0;

  // mmap, munmap, MADV_DONTNEED. Never null, never destroyed.
  static MemorySource* System();
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_POOL_MEMORY_SOURCE_H_
