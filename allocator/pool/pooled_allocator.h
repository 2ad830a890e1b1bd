// PooledAllocator: pooled memory for network buffers, every byte of it
// accounted for while the process runs.
//
//  Allocate/Free -> ThreadCache -> Arena -> ChunkLists -> Chunk -> MemorySource
//                       |            |
//                       +--counters--+--> Stats() -> metrics, /debug pages
//
// A request of up to one chunk is served from the calling thread's cache
// without a lock; a miss takes a slab or a run of pages from the thread's
// arena. Larger ("huge") requests get a mapping of their own. See
// docs/allocator.md for the states of a block, a cache and a chunk.
//
//   auto pool = PooledAllocator::Create(PoolOptions{});
//   if (!pool.ok()) return pool.status();
//   void* p = (*pool)->Allocate(14336);
//   if (p == nullptr) return (*pool)->LastRefusal();
//   ...
//   (*pool)->Free(p);             // on any thread
//
// Thread safety: every method may be called from any thread at any time, but
// for the destructor, which must not run beside another call on the same
// object (FreeBlock is not one).
//
// Lifetime: blocks may outlive the allocator. Its memory is kept until the
// last of them is returned by FreeBlock() and the threads that used it have
// exited or touched the pool again.
//
// In a shared object that may be closed again (dlclose), link with
// -Wl,-z,nodelete: threads run its exit hook when they end.
//
// Limits: alignment up to the chunk size; sizes up to 2^46 bytes; 2^24 thread
// caches in a process; see PoolOptions for the rest.
#ifndef POOLSCOPE_ALLOCATOR_POOL_POOLED_ALLOCATOR_H_
#define POOLSCOPE_ALLOCATOR_POOL_POOLED_ALLOCATOR_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/allocator/pool/pool_options.h"
#include "poolscope/allocator/pool/pool_range.h"

namespace poolscope {

namespace pool_internal {
class PoolCore;
}  // namespace pool_internal

// What a Trim() or Maintain() gave back.
struct TrimResult {
  uint64_t trimmed_bytes = 0;  // returned to the operating system
  uint64_t chunks_unmapped = 0;
  uint64_t caches_emptied = 0;
};

// How much a snapshot holds beside the totals.
struct StatsOptions {
  bool chunks = false;         // one entry a chunk (walks every page)
  bool thread_caches = false;  // one entry a thread cache
};

class PooledAllocator final {
 public:
  // InvalidArgumentError names the bad option, a limit below one chunk among
  // them; ResourceExhaustedError when not even the tables could be mapped.
  static absl::StatusOr<std::unique_ptr<PooledAllocator>> Create(
      PoolOptions options);

  ~PooledAllocator();
  PooledAllocator(const PooledAllocator&) = delete;
  PooledAllocator& operator=(const PooledAllocator&) = delete;

  // Returns at least `size` bytes, aligned to 16 (or to `alignment`, a power of
  // two up to the chunk size), contents undefined. Null when the limit is
  // reached or the system refuses memory: LastRefusal() then says which. Zero
  // bytes give a unique pointer of the smallest class.
  [[nodiscard]] void* Allocate(size_t size);
  [[nodiscard]] void* Allocate(size_t size, size_t alignment);

  // As Allocate, with the reason in the status: ResourceExhaustedError naming
  // requested, used, pinned, cached and limit; InvalidArgumentError for an
  // alignment that is not a power of two or above the chunk size.
  [[nodiscard]] absl::StatusOr<void*> TryAllocate(size_t size,
                                                  size_t alignment = 16);

  // The last refusal this thread saw from any allocator; OK when there was
  // none.
  static absl::Status LastRefusal();

  // Returns a block, on any thread. Null is ignored. A pointer that no
  // allocator handed out, the inside of a block, a block of another allocator,
  // or one that is not in use is a fatal error that names it. What is caught
  // when: docs/allocator.md, "Double frees".
  void Free(void* block);
  // The same, where the caller knows the size it asked for (checked in debug
  // builds only).
  void Free(void* block, size_t size);

  // As Free, for whichever allocator owns the block, alive or destroyed.
  static void FreeBlock(void* block);

  // Bytes usable at `block`, at least the size asked for.
  static size_t UsableSize(const void* block);

  // The calling thread is about to wait: until its next request its caches may
  // be emptied by others. Cheap (tens of ns); event loops call it before they
  // sleep. Applies to every allocator the thread used.
  static void MarkThreadIdle();

  // Switches the calling thread's caches for this allocator off (and empties
  // them) or on again.
  void SetThreadCacheEnabled(bool enabled);

  // Changes how often allocations are sampled, at any time: mean bytes between
  // two of them; 1 takes every allocation; 0 goes back to what the options say.
  // Holds for each allocation, of any thread, that comes after the return. (At
  // the limit a block may be served without a record where no page is left for
  // a sampled one: AllocatorStats::missed_samples.) Blocks that live keep the
  // records they have. No effect where PoolOptions::sampling is false.
  void SetSampleInterval(size_t bytes);

  // The id of the record of a block in use, of any allocator, as its
  // AllocationObserver was told; 0 when it is not sampled. A few loads.
  static uint64_t SampleId(const void* block);

  // One consistent snapshot; see AllocatorStats for what holds in each.
  AllocatorStats Stats(const StatsOptions& options = StatsOptions()) const;

  // What every allocator of the process has mapped, those included that are
  // gone and have blocks in use, and the tables that all of them share; in no
  // order, none twice. What is being mapped or unmapped meanwhile may be
  // missing. Takes each arena's lock for a time that grows with its chunks.
  static std::vector<PoolRange> Ranges();

  // Gives back now whatever is not in use: this thread's cache, idle threads'
  // caches, empty chunks, free pages inside chunks. Other threads' caches are
  // asked to trim on their next slow path.
  TrimResult Trim();

  // Time-driven work: unmaps chunks that were empty for the decay time,
  // empties caches idle for the idle time. Call it about once a second (the
  // sidecar does); the allocator's own slow paths do a little of it too.
  TrimResult Maintain();

  // Holds `object` until the last block is back and the threads let go, as the
  // allocator's own state: for what blocks in use refer to. It may be released
  // amid a call on another pool, so its end must not use one.
  void KeepUntilEnd(std::shared_ptr<void> object);

  // Walks everything and reports the first inconsistency found. Slow. Exact
  // when no other thread is inside the allocator; under load it checks what
  // holds at any moment.
  absl::Status CheckInvariants() const;

  const PoolOptions& options() const;  // as resolved

  // For the library's own parts.
  pool_internal::PoolCore* core() const { return core_; }

 private:
  explicit PooledAllocator(pool_internal::PoolCore* core) : core_(core) {}

  pool_internal::PoolCore* const core_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_POOL_POOLED_ALLOCATOR_H_
