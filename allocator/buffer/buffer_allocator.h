// BufferAllocator: where buffers come from.
//
//   std::unique_ptr<BufferAllocator> allocator = BufferAllocator::Pooled(pool);
//   absl::StatusOr<Buffer> buffer = allocator->Allocate(14336);
//   if (!buffer.ok()) return buffer.status();
//
// There are two kinds, which behave and are counted alike:
//
//   Pooled    blocks of a PooledAllocator: what a service runs with
//   Unpooled  blocks of malloc, each as long as asked for: what it runs with
//             under AddressSanitizer or valgrind, which then see each byte
//             (unpooled_heap.h)
//
// Both are shown by Sidecar::RegisterAllocator().
//
// Thread safety: every method may be called from any thread at any time, but
// for the destructor, which must not run beside another call on the same
// object, nor beside the growth or copying of one of its buffers.
//
// Lifetime: buffers may outlive the allocator. A pool is borrowed: destroy the
// BufferAllocator first.
#ifndef POOLSCOPE_ALLOCATOR_BUFFER_BUFFER_ALLOCATOR_H_
#define POOLSCOPE_ALLOCATOR_BUFFER_BUFFER_ALLOCATOR_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/optimization.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "absl/utility/utility.h"
#include "poolscope/allocator/buffer/allocator_core.h"
#include "poolscope/allocator/buffer/buffer.h"
#include "poolscope/allocator/buffer/composite_buffer.h"
#include "poolscope/allocator/buffer/const_buffer.h"
#include "poolscope/allocator/buffer/sent_buffer.h"
#include "poolscope/allocator/buffer/unpooled_heap.h"
#include "poolscope/allocator/leak/leak_detector.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/allocator/pool/pooled_allocator.h"

namespace poolscope {

class BufferAllocator final {
 public:
  // `leaks`, unless null, is the observer that the pool was made with (fatal
  // if it is not): it is told of Buffer::Touch() and of what was sent and never
  // received.
  static std::unique_ptr<BufferAllocator> Pooled(
      PooledAllocator* pool, std::shared_ptr<LeakDetector> leaks = nullptr);
  // InvalidArgumentError names the bad option.
  static absl::StatusOr<std::unique_ptr<BufferAllocator>> Unpooled(
      const UnpooledOptions& options);

  ~BufferAllocator();
  BufferAllocator(const BufferAllocator&) = delete;
  BufferAllocator& operator=(const BufferAllocator&) = delete;

  // A buffer of exactly `size` bytes, contents undefined, offsets 0.
  // ResourceExhaustedError when the memory is refused, FailedPreconditionError
  // once closed: here and below.
  absl::StatusOr<Buffer> Allocate(size_t size) {
    PooledAllocator* pool = core_->open_pool();
    if (ABSL_PREDICT_TRUE(pool != nullptr)) {
      void* block = pool->Allocate(size);
      if (ABSL_PREDICT_TRUE(block != nullptr)) {
        return absl::StatusOr<Buffer>(absl::in_place, core_,
                                      static_cast<uint8_t*>(block),
                                      buffer_internal::Memory::kPooled, size);
      }
      return Refusal();
    }
    return AllocateSlow(size);
  }

  // A buffer with a copy of `bytes`, all readable.
  absl::StatusOr<Buffer> CopyOf(absl::Span<const uint8_t> bytes);
  absl::StatusOr<Buffer> CopyOf(absl::string_view bytes);

  // A composite buffer of these components, in order; see composite_buffer.h.
  // InvalidArgumentError when some are read-only and some are not. With an
  // error they are all closed.
  absl::StatusOr<CompositeBuffer> Compose(std::vector<Buffer> components = {});
  absl::StatusOr<CompositeBuffer> Compose(std::vector<SentBuffer> components);
  template <typename... Buffers>
  absl::StatusOr<CompositeBuffer> Compose(Buffer&& first, Buffers&&... more) {
    std::vector<Buffer> components;
    components.reserve(1 + sizeof...(more));
    components.push_back(std::move(first));
    (components.push_back(std::move(more)), ...);
    return Compose(std::move(components));
  }

  // A constant with a copy of `bytes`.
  absl::StatusOr<ConstBuffer> MakeConst(absl::Span<const uint8_t> bytes);
  absl::StatusOr<ConstBuffer> MakeConst(absl::string_view bytes);

  // Refuses every allocation, growth and copy from now on. Buffers that exist
  // stay as they are.
  void Close() { core_->Close(); }

  const std::string& name() const { return core_->name(); }
  AllocatorStats Stats(const StatsOptions& options = StatsOptions()) const;
  // As PooledAllocator's; nothing where unpooled.
  TrimResult Maintain();
  TrimResult Trim();

 private:
  BufferAllocator(PooledAllocator* pool, buffer_internal::AllocatorCore* core)
      : pool_(pool), core_(core) {}

  static absl::Status Refusal();
  absl::StatusOr<Buffer> AllocateSlow(size_t size);

  PooledAllocator* const pool_;  // null where unpooled
  buffer_internal::AllocatorCore* const core_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_BUFFER_BUFFER_ALLOCATOR_H_
