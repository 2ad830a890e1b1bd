#include "poolscope/allocator/pool/pooled_allocator.h"

#include <cassert>

#include "absl/base/optimization.h"
#include "poolscope/allocator/pool/address_table.h"
#include "poolscope/allocator/pool/pool_core.h"
#include "poolscope/allocator/pool/thread_binding.h"

namespace poolscope {

using pool_internal::AddressTable;
using pool_internal::Bin;
using pool_internal::CacheHeader;
using pool_internal::current_cache;
using pool_internal::kMaxLookup;
using pool_internal::kMinAlignment;
using pool_internal::PageWord;
using pool_internal::PoolCore;
using pool_internal::Segment;
using pool_internal::SizeClassFor;

namespace {

Bin* BinAt(CacheHeader* cache, uint32_t offset) {
  return reinterpret_cast<Bin*>(reinterpret_cast<char*>(cache) + offset);
}

// Returns the block to the calling thread's magazine, or false when it is not
// this thread's, the magazine is full, or anything is unusual about it.
inline bool FreeFast(CacheHeader* cache, void* block) {
  const uintptr_t address = reinterpret_cast<uintptr_t>(block);
  Segment* segment = AddressTable::Find(address);
  if (ABSL_PREDICT_FALSE(segment == nullptr)) return false;
  const PageWord word = segment->WordAt(address);
  if (ABSL_PREDICT_FALSE(word.tag() != cache->id)) return false;
  Bin* bin = BinAt(cache, word.bin_offset());
  if (ABSL_PREDICT_FALSE(bin->difference() == bin->full_at)) return false;
  if (ABSL_PREDICT_FALSE(!segment->ClearInUse(address))) return false;
  bin->Push(block);
  return true;
}

}  // namespace

absl::StatusOr<std::unique_ptr<PooledAllocator>> PooledAllocator::Create(
    PoolOptions options) {
  absl::StatusOr<PoolOptions> resolved = ResolvePoolOptions(std::move(options));
  if (!resolved.ok()) return resolved.status();
  absl::StatusOr<PoolCore*> core = PoolCore::Create(*resolved);
  if (!core.ok()) return core.status();
  std::unique_ptr<PooledAllocator> allocator(new PooledAllocator(*core));
  (*core)->set_facade(allocator.get());
  return allocator;
}

PooledAllocator::~PooledAllocator() { core_->Close(); }

void* PooledAllocator::Allocate(size_t size) {
  CacheHeader* cache = current_cache;
  if (ABSL_PREDICT_TRUE(size <= kMaxLookup &&
                        cache->allocator.load(std::memory_order_relaxed) ==
                            this)) {
    Bin* bin = BinAt(cache, pool_internal::BinOffset(SizeClassFor(size)));
    if (ABSL_PREDICT_TRUE(bin->top != nullptr &&
                          bin->pops.load(std::memory_order_relaxed) !=
                              bin->event_at)) {
      void* block = bin->Pop();
      bin->CountRequested(size);
      const uintptr_t address = reinterpret_cast<uintptr_t>(block);
      AddressTable::Find(address)->SetInUse(address);
      return block;
    }
  }
  return core_->Allocate(size, kMinAlignment);
}

void* PooledAllocator::Allocate(size_t size, size_t alignment) {
  if (alignment == kMinAlignment) return Allocate(size);
  return core_->Allocate(size, alignment);
}

absl::StatusOr<void*> PooledAllocator::TryAllocate(size_t size,
                                                   size_t alignment) {
  void* block = Allocate(size, alignment);
  if (block == nullptr) return LastRefusal();
  return block;
}

absl::Status PooledAllocator::LastRefusal() {
  return pool_internal::LastRefusalStatus();
}

void PooledAllocator::Free(void* block) {
  CacheHeader* cache = current_cache;
  // The block's owner being this thread's cache, and the cache this
  // allocator's, the block is this allocator's as well.
  if (ABSL_PREDICT_TRUE(cache->allocator.load(std::memory_order_relaxed) ==
                        this) &&
      ABSL_PREDICT_TRUE(FreeFast(cache, block))) {
    return;
  }
  PoolCore::Free(this, block);
}

void PooledAllocator::Free(void* block, size_t size) {
  assert(block == nullptr || size <= UsableSize(block));
  static_cast<void>(size);
  Free(block);
}

void PooledAllocator::FreeBlock(void* block) {
  if (ABSL_PREDICT_TRUE(FreeFast(current_cache, block))) return;
  PoolCore::Free(nullptr, block);
}

size_t PooledAllocator::UsableSize(const void* block) {
  return PoolCore::UsableSize(block);
}

void PooledAllocator::MarkThreadIdle() { pool_internal::MarkIdle(); }

void PooledAllocator::SetThreadCacheEnabled(bool enabled) {
  core_->SetThreadCacheEnabled(enabled);
}

AllocatorStats PooledAllocator::Stats(const StatsOptions& options) const {
  return core_->Stats(options);
}

TrimResult PooledAllocator::Trim() { return core_->Trim(); }
TrimResult PooledAllocator::Maintain() { return core_->Maintain(); }

absl::Status PooledAllocator::CheckInvariants() const {
  return core_->CheckInvariants();
}

const PoolOptions& PooledAllocator::options() const { return core_->options(); }

}  // namespace poolscope
