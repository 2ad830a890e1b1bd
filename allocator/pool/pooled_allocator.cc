#include "poolscope/allocator/pool/pooled_allocator.h"

#include <cassert>
#include <utility>

#include "absl/base/optimization.h"
#include "poolscope/allocator/pool/fast_path.h"
#include "poolscope/allocator/pool/pool_core.h"
#include "poolscope/allocator/pool/thread_binding.h"

namespace poolscope {

using pool_internal::CacheHeader;
using pool_internal::current_cache;
using pool_internal::kMinAlignment;
using pool_internal::PoolCore;

namespace pool_internal {

void* AllocateBySlowPath(size_t size, const PooledAllocator* allocator) {
  return allocator->core()->Allocate(size, kMinAlignment);
}

void FreeBySlowPath(void* block, const PooledAllocator* allocator) {
  PoolCore::Free(allocator, block);
}

}  // namespace pool_internal

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

[[gnu::aligned(64)]] void* PooledAllocator::Allocate(size_t size) {
  return pool_internal::AllocateFrom(this, size);
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

[[gnu::aligned(64)]] void PooledAllocator::Free(void* block) {
  pool_internal::FreeTo(this, block);
}

void PooledAllocator::Free(void* block, size_t size) {
  assert(block == nullptr || size <= UsableSize(block));
  static_cast<void>(size);
  Free(block);
}

[[gnu::aligned(64)]] void PooledAllocator::FreeBlock(void* block) {
  CacheHeader* cache = current_cache;
  if (ABSL_PREDICT_TRUE(cache != &pool_internal::no_cache) &&
      ABSL_PREDICT_TRUE(pool_internal::FreeFast(cache, block))) {
    return;
  }
  PoolCore::Free(nullptr, block);
}

size_t PooledAllocator::UsableSize(const void* block) {
  return PoolCore::UsableSize(block);
}

void PooledAllocator::MarkThreadIdle() { pool_internal::MarkIdle(); }

void PooledAllocator::SetThreadCacheEnabled(bool enabled) {
  core_->SetThreadCacheEnabled(enabled);
}

void PooledAllocator::SetSampleInterval(size_t bytes) {
  core_->SetSampleInterval(bytes);
}

uint64_t PooledAllocator::SampleId(const void* block) {
  return PoolCore::SampleId(block);
}

AllocatorStats PooledAllocator::Stats(const StatsOptions& options) const {
  return core_->Stats(options);
}

std::vector<PoolRange> PooledAllocator::Ranges() { return PoolCore::Ranges(); }

TrimResult PooledAllocator::Trim() { return core_->Trim(); }
TrimResult PooledAllocator::Maintain() { return core_->Maintain(); }

void PooledAllocator::KeepUntilEnd(std::shared_ptr<void> object) {
  core_->KeepUntilEnd(std::move(object));
}

absl::Status PooledAllocator::CheckInvariants() const {
  return core_->CheckInvariants();
}

const PoolOptions& PooledAllocator::options() const { return core_->options(); }

}  // namespace poolscope
