// MetadataAllocator: memory for the allocator's own tables.
//
// Power-of-two blocks from 64 B to 64 KiB cut from mappings of 128 KiB, with a
// free list each; larger ones are mapped alone. Nothing here comes from malloc,
// so that the pool's bookkeeping shows in no other allocator's figures, and
// every mapping goes through the MemorySource, so that a test can make it fail.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_ALLOCATOR_POOL_METADATA_ALLOCATOR_H_
#define POOLSCOPE_ALLOCATOR_POOL_METADATA_ALLOCATOR_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "poolscope/allocator/base/mutex.h"
#include "poolscope/allocator/pool/memory_source.h"
#include "poolscope/allocator/pool/pool_range.h"

namespace poolscope {
namespace pool_internal {

class MetadataAllocator {
 public:
  explicit MetadataAllocator(MemorySource* source) : source_(source) {}
  // Unmaps everything that Allocate() cut from shared mappings.
  ~MetadataAllocator();
  MetadataAllocator(const MetadataAllocator&) = delete;
  MetadataAllocator& operator=(const MetadataAllocator&) = delete;

  // Zeroed, aligned to 64 (to 4096 above 64 KiB). Null when the system refuses.
  [[nodiscard]] void* Allocate(size_t bytes);
  // `bytes` as given to Allocate().
  void Free(void* block, size_t bytes);

  // The mappings that blocks of up to 64 KiB are cut from. A larger block is
  // its user's to name.
  void AppendRanges(std::vector<PoolRange>* ranges);

  // Mapped from the source.
  size_t mapped_bytes() const {
    return mapped_bytes_.load(std::memory_order_relaxed);  // a statistic
  }

  Mutex* mutex() { return &mutex_; }  // for fork()

 private:
  static constexpr int kMinOrder = 6;
  static constexpr int kMaxOrder = 16;
  static constexpr size_t kRegionBytes = 128 << 10;

  struct FreeBlock {
    FreeBlock* next;
  };
  struct Region {
    Region* next;
  };

  static int OrderOf(size_t bytes);
  void* CutLocked(size_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  MemorySource* const source_;
  Mutex mutex_{LockRank::kMetadata};
  FreeBlock* free_[kMaxOrder + 1] ABSL_GUARDED_BY(mutex_) = {};
  Region* regions_ ABSL_GUARDED_BY(mutex_) = nullptr;
  char* cut_ ABSL_GUARDED_BY(mutex_) = nullptr;
  char* cut_end_ ABSL_GUARDED_BY(mutex_) = nullptr;
  std::atomic<size_t> mapped_bytes_{0};
};

}  // namespace pool_internal
}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_POOL_METADATA_ALLOCATOR_H_
