#include "poolscope/allocator/pool/memory_source.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstdint>
#include <new>

namespace poolscope {
namespace {

constexpr size_t kSystemPageBytes = 4096;

void* MapAnonymous(size_t bytes) {
  void* base = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return base == MAP_FAILED ? nullptr : base;
}

class SystemMemorySource final : public MemorySource {
 public:
  void* Map(size_t bytes, size_t alignment, Use use) override {
    const int saved_errno = errno;
    void* base = MapAligned(bytes, alignment);
    errno = saved_errno;
    if (base == nullptr) return nullptr;
    // Refusal leaves the system's default, which is harmless.
    switch (use) {
      case Use::kBlocks:
        // A huge page would make the first byte touched cost 2 MiB.
        madvise(base, bytes, MADV_NOHUGEPAGE);
        break;
      case Use::kHugeBlocks:
        // One fault, instead of 512, for 2 MiB that are mostly written whole.
        madvise(base, bytes, MADV_HUGEPAGE);
        break;
      case Use::kMetadata:
        break;
    }
    errno = saved_errno;
    return base;
  }

  void Unmap(void* base, size_t bytes) override { munmap(base, bytes); }

  bool Purge(void* base, size_t bytes) override {
    return madvise(base, bytes, MADV_DONTNEED) == 0;
  }

 private:
  static void* MapAligned(size_t bytes, size_t alignment) {
    if (alignment <= kSystemPageBytes) return MapAnonymous(bytes);
    // The last mapping often left its successor aligned: try before cutting.
    void* base = MapAnonymous(bytes);
    if (base == nullptr) return nullptr;
    if (reinterpret_cast<uintptr_t>(base) % alignment == 0) return base;
    munmap(base, bytes);
    if (bytes > SIZE_MAX - alignment) return nullptr;
    char* wide = static_cast<char*>(MapAnonymous(bytes + alignment));
    if (wide == nullptr) return nullptr;
    const size_t head =
        (alignment - reinterpret_cast<uintptr_t>(wide) % alignment) % alignment;
    if (head > 0) munmap(wide, head);
    munmap(wide + head + bytes, alignment - head);
    return wide + head;
  }
};

}  // namespace

MemorySource* MemorySource::System() {
  // Static objects may free blocks after this would have been destroyed.
  alignas(SystemMemorySource) static char storage[sizeof(SystemMemorySource)];
  static MemorySource* const source = new (storage) SystemMemorySource;
  return source;
}

}  // namespace poolscope
