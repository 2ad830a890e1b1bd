#include "poolscope/allocator/buffer/allocator_core.h"

#include <utility>

#include "absl/strings/str_format.h"
#include "poolscope/allocator/base/fatal.h"

namespace poolscope {
namespace buffer_internal {

AllocatorCore::AllocatorCore(std::string name, PooledAllocator* pool,
                             std::unique_ptr<UnpooledHeap> heap,
                             std::shared_ptr<LeakDetector> leaks)
    : name_(std::move(name)),
      heap_(std::move(heap)),
      leaks_(std::move(leaks)),
      open_pool_(pool) {}

AllocatorCore* AllocatorCore::Pooled(PooledAllocator* pool,
                                     std::shared_ptr<LeakDetector> leaks) {
  if (leaks != nullptr && leaks != pool->options().observer) {
    Fatal("buffers of allocator %s given a leak detector that is not its own",
          pool->options().name.c_str());
  }
  auto* core =
      new AllocatorCore(pool->options().name, pool, nullptr, std::move(leaks));
  core->Ref();
  pool->KeepUntilEnd(std::shared_ptr<void>(
      core, [](void* kept) { static_cast<AllocatorCore*>(kept)->Unref(); }));
  return core;
}

AllocatorCore* AllocatorCore::Unpooled(std::unique_ptr<UnpooledHeap> heap) {
  std::string name = heap->name();
  return new AllocatorCore(std::move(name), nullptr, std::move(heap), nullptr);
}

void AllocatorCore::Unref() {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

absl::StatusOr<uint8_t*> AllocatorCore::Allocate(size_t size) {
  if (heap_ == nullptr) {
    PooledAllocator* pool = open_pool();
    if (pool == nullptr) return Closed();
    void* block = pool->Allocate(size);
    if (block == nullptr) return PooledAllocator::LastRefusal();
    return static_cast<uint8_t*>(block);
  }
  absl::Status open = CheckOpen();
  if (!open.ok()) return open;
  absl::StatusOr<uint8_t*> block = heap_->Allocate(size);
  if (block.ok()) Ref();
  return block;
}

void AllocatorCore::Free(uint8_t* block, size_t size) {
  if (heap_ == nullptr) {
    PooledAllocator::FreeBlock(block);
  } else {
    heap_->Free(block, size);
    Unref();
  }
}

void AllocatorCore::Touch(const uint8_t* block, absl::string_view hint) const {
  if (leaks_ == nullptr || leaks_->level() < LeakLevel::kAdvanced) return;
  leaks_->Touch(PooledAllocator::SampleId(block), hint);
}

void AllocatorCore::ReportDropped(const uint8_t* block) const {
  if (leaks_ == nullptr) return;
  leaks_->ReportLeaked(PooledAllocator::SampleId(block),
                       LeakCause::kSendDropped);
}

void AllocatorCore::Close() {
  closed_.store(true, std::memory_order_relaxed);
  open_pool_.store(nullptr, std::memory_order_relaxed);
}

absl::Status AllocatorCore::CheckOpen() const {
  return closed_.load(std::memory_order_relaxed) ? Closed() : absl::OkStatus();
}

absl::Status AllocatorCore::Closed() const {
  return absl::FailedPreconditionError(
      absl::StrFormat("allocator %s is closed", name_));
}

}  // namespace buffer_internal
}  // namespace poolscope
