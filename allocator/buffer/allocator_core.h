// AllocatorCore: what a BufferAllocator and its buffers share.
//
//   BufferAllocator ---ref--->  AllocatorCore  ---> PooledAllocator, borrowed
//   Buffer ------------------->                 or  UnpooledHeap, owned
//
// A buffer has a plain pointer to it, so that allocating and destroying one
// counts no references. The core is there as long as a buffer may need it:
//
//   pooled     the pool keeps a reference until its last block is back
//              (PooledAllocator::KeepUntilEnd)
//   unpooled   each block in use is a reference
//   composite  has a reference of its own, as it may have no block
//
// Thread safety: thread-safe; Close() may run beside anything.
#ifndef POOLSCOPE_ALLOCATOR_BUFFER_ALLOCATOR_CORE_H_
#define POOLSCOPE_ALLOCATOR_BUFFER_ALLOCATOR_CORE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "poolscope/allocator/buffer/unpooled_heap.h"
#include "poolscope/allocator/leak/leak_detector.h"
#include "poolscope/allocator/pool/pooled_allocator.h"

namespace poolscope {
namespace buffer_internal {

// Where a buffer's bytes are, and so what becomes of them when it closes.
enum class Memory : uint8_t {
  kPooled,     // a block of a pool, this buffer's alone
  kUnpooled,   // one of the UnpooledHeap, this buffer's alone
  kShared,     // part of a block that others have parts of: SharedBlock
  kComposite,  // in several buffers: CompositeParts
};

// The most bytes that a buffer may have, the pool's own limit.
inline constexpr size_t kMaxCapacity = size_t{1} << 46;

class AllocatorCore {
 public:
  // Each with one reference, the caller's. `leaks` may be null; fatal unless it
  // is the pool's observer.
  static AllocatorCore* Pooled(PooledAllocator* pool,
                               std::shared_ptr<LeakDetector> leaks);
  static AllocatorCore* Unpooled(std::unique_ptr<UnpooledHeap> heap);

  AllocatorCore(const AllocatorCore&) = delete;
  AllocatorCore& operator=(const AllocatorCore&) = delete;

  void Ref() { references_.fetch_add(1, std::memory_order_relaxed); }
  void Unref();

  // The pool while it may be asked without further ado, else null: closed, or
  // unpooled.
  PooledAllocator* open_pool() const {
    // Relaxed: the pool was made before whoever calls this got the allocator,
    // and a null that comes late is an allocation before Close().
    return open_pool_.load(std::memory_order_relaxed);
  }

  // A block of at least `size` bytes. FailedPreconditionError once closed;
  // otherwise the reason of the pool or the heap.
  absl::StatusOr<uint8_t*> Allocate(size_t size);
  // Returns a block; the core may end. `size` as it was asked for.
  void Free(uint8_t* block, size_t size);

  // kPooled or kUnpooled.
  Memory memory() const {
    return heap_ == nullptr ? Memory::kPooled : Memory::kUnpooled;
  }

  // A block in use: was it sampled, its leak detector is told of this access,
  // or that it was in a SentBuffer that nobody received.
  void Touch(const uint8_t* block, absl::string_view hint) const;
  void ReportDropped(const uint8_t* block) const;

  void Close();
  // OK, or the FailedPreconditionError of Allocate().
  absl::Status CheckOpen() const;

  const std::string& name() const { return name_; }
  UnpooledHeap* heap() const { return heap_.get(); }  // null for a pool

 private:
  AllocatorCore(std::string name, PooledAllocator* pool,
                std::unique_ptr<UnpooledHeap> heap,
                std::shared_ptr<LeakDetector> leaks);
  ~AllocatorCore() = default;

  // The error of a closed one. A thread that sees no open pool any more need
  // not see closed_ yet.
  absl::Status Closed() const;

  const std::string name_;
  const std::unique_ptr<UnpooledHeap> heap_;
  const std::shared_ptr<LeakDetector> leaks_;  // may be null
  std::atomic<PooledAllocator*> open_pool_;
  std::atomic<bool> closed_{false};  // relaxed, as open_pool_
  // Released with release, taken as the last with acquire: whoever deletes the
  // core sees what all others did to it.
  std::atomic<size_t> references_{1};
};

}  // namespace buffer_internal
}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_BUFFER_ALLOCATOR_CORE_H_
