#include "poolscope/allocator/pool/metadata_allocator.h"

#include <cstring>

namespace poolscope {
namespace pool_internal {
namespace {

size_t RoundToPage(size_t bytes) { return (bytes + 4095) & ~size_t{4095}; }

}  // namespace

int MetadataAllocator::OrderOf(size_t bytes) {
  int order = kMinOrder;
  while ((size_t{1} << order) < bytes) ++order;
  return order;
}

MetadataAllocator::~MetadataAllocator() {
  while (regions_ != nullptr) {
    Region* next = regions_->next;
    source_->Unmap(regions_, kRegionBytes);
    regions_ = next;
  }
}

void* MetadataAllocator::CutLocked(size_t bytes) {
  if (static_cast<size_t>(cut_end_ - cut_) < bytes) {
    void* fresh =
        source_->Map(kRegionBytes, 4096, MemorySource::Use::kMetadata);
    if (fresh == nullptr) return nullptr;
    mapped_bytes_.fetch_add(kRegionBytes, std::memory_order_relaxed);
    // What is left of the old region is below one block: at most 64 KiB, and
    // never touched.
    Region* region = static_cast<Region*>(fresh);
    region->next = regions_;
    regions_ = region;
    cut_ = static_cast<char*>(fresh) + 64;
    cut_end_ = static_cast<char*>(fresh) + kRegionBytes;
  }
  void* block = cut_;
  cut_ += bytes;
  return block;
}

void* MetadataAllocator::Allocate(size_t bytes) {
  if (bytes > (size_t{1} << kMaxOrder)) {
    bytes = RoundToPage(bytes);
    void* block = source_->Map(bytes, 4096, MemorySource::Use::kMetadata);
    if (block != nullptr) {
      mapped_bytes_.fetch_add(bytes, std::memory_order_relaxed);
    }
    return block;
  }
  const int order = OrderOf(bytes);
  MutexLock lock(&mutex_);
  FreeBlock* block = free_[order];
  if (block == nullptr) return CutLocked(size_t{1} << order);
  free_[order] = block->next;
  std::memset(static_cast<void*>(block), 0, size_t{1} << order);
  return block;
}

void MetadataAllocator::Free(void* block, size_t bytes) {
  if (bytes > (size_t{1} << kMaxOrder)) {
    bytes = RoundToPage(bytes);
    source_->Unmap(block, bytes);
    mapped_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
    return;
  }
  const int order = OrderOf(bytes);
  FreeBlock* freed = static_cast<FreeBlock*>(block);
  MutexLock lock(&mutex_);
  freed->next = free_[order];
  free_[order] = freed;
}

void MetadataAllocator::AppendRanges(std::vector<PoolRange>* ranges) {
  MutexLock lock(&mutex_);
  for (const Region* region = regions_; region; region = region->next) {
    ranges->push_back(MetadataRange(region, kRegionBytes));
  }
}

}  // namespace pool_internal
}  // namespace poolscope
