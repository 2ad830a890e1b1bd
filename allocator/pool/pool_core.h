// PoolCore: an allocator's state, which may outlive the PooledAllocator.
//
// Owns the arenas and every thread cache. It ends when the PooledAllocator has
// been destroyed (Close), no thread is attached any more, and the last block is
// back.
//
//   process_mutex  which cores exist; the end of a closed one
//   mutex_         list of caches, spare ones, how many threads an arena has
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_ALLOCATOR_POOL_POOL_CORE_H_
#define POOLSCOPE_ALLOCATOR_POOL_POOL_CORE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "poolscope/allocator/base/mutex.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/allocator/pool/arena.h"
#include "poolscope/allocator/pool/pool_env.h"
#include "poolscope/allocator/pool/pool_range.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/allocator/pool/thread_cache.h"

namespace poolscope {
namespace pool_internal {

class PoolCore {
 public:
  static absl::StatusOr<PoolCore*> Create(const PoolOptions& options);

  // The allocator object that callers see; null once it is closed.
  void set_facade(const PooledAllocator* facade) {
    facade_.store(facade, std::memory_order_release);
  }
  // The allocator object is going away. Ends this core now, or later.
  void Close();

  // What the fast path could not do. `alignment` is 16 or more.
  void* Allocate(size_t size, size_t alignment);
  // For a block of any core. `facade`: the allocator that was asked, or null
  // for any.
  static void Free(const PooledAllocator* facade, void* block);
  static size_t UsableSize(const void* block);

  void SetThreadCacheEnabled(bool enabled);
  void SetSampleInterval(size_t bytes);
  static uint64_t SampleId(const void* block);
  TrimResult Trim();
  TrimResult Maintain();
  AllocatorStats Stats(const StatsOptions& options) const;
  absl::Status CheckInvariants() const;
  // Of every core, closed ones too, and the tables that they share.
  static std::vector<PoolRange> Ranges();

  void KeepUntilEnd(std::shared_ptr<void> object);

  const PoolOptions& options() const { return env_.options; }
  bool closed() const { return closed_.load(std::memory_order_acquire); }
  PoolEnv* env() { return &env_; }

  // For the threads' side (thread_binding.h).

  // A cache for the calling thread, active; null when there is no memory.
  ThreadCache* AttachCache(int64_t thread_id);
  // The reverse; may end the core.
  void DetachCache(ThreadCache* cache);

  // fork(): every lock, in order.
  static void LockAll();
  static void UnlockAll();
  static void UnlockAllInChild();

 private:
  explicit PoolCore(const PoolOptions& options) : env_(this, options) {}
  ~PoolCore();

  void* TryAllocate(ThreadCache* cache, int size_class, size_t size,
                    uint32_t page_alignment, Refusal* refusal,
                    SampleRecord** sample);
  // From `arena` itself, past every magazine. `cache` is the calling thread's,
  // or null.
  void* AllocateDirect(ThreadCache* cache, Arena* arena, int size_class,
                       size_t size, uint32_t page_alignment, bool existing_only,
                       Refusal* refusal, SampleRecord** sample);
  void* AllocateHuge(ThreadCache* cache, size_t size, size_t alignment);
  void* TryMapHuge(size_t size, size_t bytes, size_t alignment, int arena,
                   Refusal* refusal);
  void FreeHuge(Segment* segment, uintptr_t address);
  // Frees a block under the protection of `cache` or, without one, of guard_.
  void FreeBlock(ThreadCache* cache, Segment* segment, uintptr_t address);
  // Makes idle memory available again: caches, empty chunks.
  void MakeRoom(ThreadCache* own);
  // allocate() again, with what others leave and what can be made room, then
  // refuses.
  template <typename F>
  void* AllocateTight(const Refusal* refusal, ThreadCache* cache, size_t size,
                      F&& allocate);
  // What others asked of the calling thread's cache.
  void HonorRequests(ThreadCache* cache) {
    cache->HonorTrimRequest();
    // Relaxed: see SetSampleInterval().
    if (cache->sample_epoch() !=
        env_.sample_epoch.load(std::memory_order_relaxed)) {
      RestartSampling(cache);
    }
  }
  void RestartSampling(ThreadCache* cache);
  // Whether to sample an allocation that no bin counts, and at what weight.
  bool TossSample(ThreadCache* cache, int size_class, double* weight);
  void FinishSample(ThreadCache* cache, const SampleRecord& sample);
  void SampleHuge(Segment* segment);
  void FlushIdleCaches(EvictionReason reason, bool all, int64_t now,
                       TrimResult* result);
  void NoteRefusal(Refusal refusal, size_t size);
  Arena* ArenaFor(const ThreadCache* cache) const;

  // The few sums that are needed where no memory may be taken; consistent as
  // Stats() is. Huge blocks are included.
  struct Totals {
    uint64_t active_blocks = 0;
    uint64_t pinned_bytes = 0;
    uint64_t cached_bytes = 0;
  };
  Totals ReadTotals() const;
  // Takes a closed core that nobody uses off the list, for the caller to delete
  // once it has released the process mutex, which it holds; else null.
  [[nodiscard]] static PoolCore* TakeIfUnused(PoolCore* core);

  template <typename F>
  void ForEachCache(F&& f) const {
    // Acquire pairs with the release in NewCache(); a cache never leaves the
    // list, and its `next_cache` never changes.
    for (ThreadCache* c = caches_.load(std::memory_order_acquire); c != nullptr;
         c = c->next_cache) {
      f(c);
    }
  }
  ThreadCache* NewCache(Arena* arena) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DestroyCache(ThreadCache* cache);

  // The first inconsistency of a cache that no thread uses now, or "". *quiet:
  // no cache but the caller's is in use.
  std::string CheckCaches(bool* quiet) const;

  // Parts of Stats().
  struct ArenaFlow;
  void ReadFrees(std::vector<ArenaFlow>* flows, AllocatorStats* stats) const;
  // Reads everything else that caches count, too.
  void ReadAllocations(const StatsOptions& wanted,
                       std::vector<ArenaFlow>* flows,
                       AllocatorStats* stats) const;
  // Fills in ChunkStats::oldest_sample.
  void FindOldestSamples(int64_t now, std::vector<ChunkStats>* chunks) const;

  PoolEnv env_;
  std::vector<std::unique_ptr<Arena>> arenas_;  // constant after construction

  // Held by a thread that was refused while it makes room and tries again.
  Mutex room_mutex_{LockRank::kRoom};
  mutable Mutex mutex_{LockRank::kCore};
  std::vector<int> arena_threads_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::vector<ThreadCache*>> spare_caches_ ABSL_GUARDED_BY(mutex_);
  int attached_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::shared_ptr<void>> kept_ ABSL_GUARDED_BY(mutex_);

  std::atomic<ThreadCache*> caches_{nullptr};
  std::atomic<const PooledAllocator*> facade_{nullptr};
  std::atomic<bool> closed_{false};
  // Threads without a cache that are inside; see Free().
  std::atomic<int> guard_{0};
  std::atomic<uint64_t> huge_bytes_{0};  // relaxed: a statistic
  std::atomic<uint64_t> failures_limit_{0};
  std::atomic<uint64_t> failures_mapping_{0};

  // Under the process mutex: Close() is done with this core; list of all cores.
  bool released_ = false;
  PoolCore* next_core_ = nullptr;
};

// The last refusal of the calling thread, as PooledAllocator::LastRefusal().
absl::Status LastRefusalStatus();
void NoteInvalidAlignment(size_t alignment, size_t chunk_bytes);

}  // namespace pool_internal
}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_POOL_POOL_CORE_H_
