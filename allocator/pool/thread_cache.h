// ThreadCache: recently freed blocks of one thread, ready without a lock.
//
//   line 0       allocator, id
//   line 1 + c   Bin of class c: the block to hand out next (top), the others
//                below it (a magazine of pointers), and the counters
//
// A bin's magazine of level L holds its topmost block in `top` and the others
// in array[1 .. L-1]; array[0] stays null, so that taking the last block leaves
// null in top. The level is never stored: it is pushes - pops + fill, where
// pops counts allocations served, pushes counts frees by the owner, and `fill`
// is what refills brought less what flushes took. `slots` is the array's
// address moved by fill, so that slots[pushes - pops] is array[L]: the two
// counters that a scrape reads are the magazine's index as well, and cost
// nothing of their own.
//
// Owner and states:
//
//   kSpare --attach--> kActive <--MarkThreadIdle / next request--> kIdle
//      ^                  |                                          |
//      +---- detach ------+------------------------------------------+
//
// Only the owning thread touches an active cache. An idle one may be emptied by
// anyone under `mutex`, which the owner takes to become active again. A spare
// cache waits in its arena's list for a thread; its counters go on.
// Others only push to the return queue, set trim_requested, and read counters.
//
// The cache owns the slabs it took (RunInfo lists per class); blocks of a page
// or more are runs of their own, without bookkeeping here.
//
// Thread safety: as above. Memory: the metadata allocator; never freed before
// the allocator, so that a late message always finds a queue.
#ifndef POOLSCOPE_ALLOCATOR_POOL_THREAD_CACHE_H_
#define POOLSCOPE_ALLOCATOR_POOL_THREAD_CACHE_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "poolscope/allocator/base/mutex.h"
#include "poolscope/allocator/base/single_writer_counter.h"
#include "poolscope/allocator/base/statistics.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/allocator/pool/arena.h"
#include "poolscope/allocator/pool/duration_recorder.h"
#include "poolscope/allocator/pool/owner.h"
#include "poolscope/allocator/pool/pool_env.h"
#include "poolscope/allocator/pool/remote_free.h"
#include "poolscope/allocator/pool/sampler.h"
#include "poolscope/allocator/pool/size_classes.h"

namespace poolscope {

class PooledAllocator;

namespace pool_internal {

// Blocks that a magazine holds at most.
inline constexpr uint32_t kMaxCapacity = 2048;

// One class in one cache: exactly a cache line. All written by the owner.
struct alignas(64) Bin {
  void* top;
  uintptr_t slots;
  // Relaxed: a statistic, ordered by the frees that follow it.
  std::atomic<uint64_t> pops;
  // Released by each free, acquired by a snapshot; see SingleWriterCounter.
  std::atomic<uint64_t> pushes;
  // The next allocation that finds pops here takes the slow path.
  uint64_t event_at;
  // The magazine is full when pushes - pops is this.
  int64_t full_at;
  std::atomic<uint64_t> requested_bytes;  // relaxed: a statistic
  std::atomic<int64_t> fill;              // relaxed: a statistic

  // The owner's own view.
  int64_t difference() const {
    return static_cast<int64_t>(pushes.load(std::memory_order_relaxed) -
                                pops.load(std::memory_order_relaxed));
  }
  int64_t level() const {
    return difference() + fill.load(std::memory_order_relaxed);
  }

  // The two operations of the fast path. Pop() needs a block, and pops as it
  // stands; Push() needs room, pushes as it stands, and the difference.
  void* Pop(uint64_t served) {
    void* block = top;
    const uint64_t level = pushes.load(std::memory_order_relaxed) - served;
    top = *reinterpret_cast<void**>(slots + 8 * level - 8);
    pops.store(served + 1, std::memory_order_relaxed);
    return block;
  }
  void Push(void* block, uint64_t freed, int64_t difference) {
    *reinterpret_cast<void**>(slots + 8 * difference) = top;
    top = block;
    pushes.store(freed + 1, std::memory_order_release);
  }
  void CountRequested(size_t bytes) {
    if constexpr (!kStatistics) return;
    requested_bytes.store(
        requested_bytes.load(std::memory_order_relaxed) + bytes,
        std::memory_order_relaxed);
  }
};
static_assert(sizeof(Bin) == kBinBytes, "PageWord holds a bin's byte offset");

// What of a class only the slow paths touch.
struct ColdBin {
  SingleWriterCounter misses;        // served, but not from the magazine
  SingleWriterCounter direct_frees;  // freed by the owner past the magazine
  void** array;
  uint32_t capacity;  // of the magazine, top included; 0: no array
  uint32_t back_off;  // misses until growing is tried again
  bool armed;         // event_at and the like are set
  bool overflowed;    // since the last miss
  // Allocations still to come before a sample are sample_at - pops; a miss
  // brings sample_at down by one.
  uint64_t sample_at;
  double sample_weight;    // of that one
  uint64_t pops_at_check;  // when requests were last added up
  uint64_t pops_at_trim;
  RunInfo* partial;        // own slabs with free elements
  RunInfo* full;           // own slabs without
  uint64_t free_elements;  // in partial
};

// The first line of a ThreadCache, and all that the fast path looks at before
// it knows that the calling thread has a cache.
struct CacheHeader : Owner {
  constexpr CacheHeader() = default;
  constexpr explicit CacheHeader(OwnerId fixed_id) { id = fixed_id; }

  // Whose cache this is, in the first where its layout is page runs, in the
  // second where it is the buddy tree, so that each fast path knows its size
  // classes; both null while the cache may not be used, or something is due
  // before it is used again. Written under the core's mutex. Relaxed: who must
  // see it change is ordered after that by its caller: the destructor of the
  // allocator, or a change of the sample interval, came before the request.
  std::atomic<const PooledAllocator*> allocator{nullptr};
  std::atomic<const PooledAllocator*> buddy_allocator{nullptr};
};

enum class CacheState { kSpare, kActive, kIdle };

class ThreadCache : public CacheHeader {
  // First, so that it begins at kBinsOffset.
  Bin bins_[kMaxSizeClasses];

 public:
  // In zeroed memory, which the bins keep as it is: of the 100 classes a thread
  // uses a few, and a line never written costs no resident memory. `cold` has
  // an entry a class, `remote` a table pointer an arena, both zeroed.
  ThreadCache(PoolEnv* env, ColdBin* cold, SingleWriterCounter** remote);

  Bin* bin(int size_class) { return &bins_[size_class]; }
  const Bin& bin(int size_class) const { return bins_[size_class]; }
  const ColdBin& cold(int size_class) const { return cold_[size_class]; }

  // -- For the owner, or whoever acts for it under `mutex`. --

  // Which allocator's requests the fast path may serve from here; null: none.
  void Serve(const PooledAllocator* facade) {
    (env_->options.layout == ChunkLayout::kRuns ? allocator : buddy_allocator)
        .store(facade, std::memory_order_relaxed);
  }

  // Takes the cache into use by a thread / by nobody.
  void Attach(Arena* arena, bool enabled, int64_t thread_id);
  // Gives everything back: magazines, slabs, pending frees.
  void Detach();

  // Whether magazines are in use; see PooledAllocator::SetThreadCacheEnabled.
  bool enabled() const {
    return enabled_.load(std::memory_order_relaxed);  // others: a statistic
  }
  // Switching off gives everything back.
  void SetEnabled(bool enabled);
  // Empties the cache if that was asked for; at the start of slow paths.
  void HonorTrimRequest() {
    if (trim_requested_.load(std::memory_order_relaxed)) FlushAsRequested();
  }
  // Which sample interval the bins are armed for, as PoolEnv::sample_epoch.
  uint64_t sample_epoch() const { return sample_epoch_; }
  // Arms every bin for the present one; the core's mutex is held.
  void RestartSampling();

  // A block of `size_class`, or null and why. When the block is sampled,
  // *sample is its record, of which the observer has not been told.
  void* AllocateSlow(int size_class, size_t size, Refusal* refusal,
                     SampleRecord** sample);
  // How often this thread samples. After each sample the caller is to end it.
  SamplePace* pace() { return &pace_; }
  // A block of this cache that the fast path could not take.
  void FreeOwned(int size_class, uintptr_t address);
  // A block of another cache: joins the pending batch.
  void FreeRemote(ThreadCache* owner, int size_class, uintptr_t address);
  // Counts a free of a block of `arena` by this thread.
  void CountRemoteFree(Arena* arena, int size_class);

  // Sends pending frees on their way.
  void PublishPending();
  // Leaves a few large blocks to whoever needs them.
  void ShareSome();
  // Takes up what others freed.
  void DrainReturns();
  // Empties all magazines and gives free slabs back.
  void Flush(EvictionReason reason);

  // -- For any thread. --

  ReturnQueue& returns() { return returns_; }
  // Returns to the arena what lies in the queue and is a run of its own, which
  // anyone may; for a cache whose owner may be asleep.
  void ReclaimReturns() { DrainToArena(returns_.TakeForOwner(), this); }
  void TakeBackBatch(RemoteBatch* batch);
  void RequestTrim() {
    trim_requested_.store(true, std::memory_order_relaxed);  // a hint
  }
  Arena* arena() const { return arena_.load(std::memory_order_acquire); }

  // Calls f(size_class) for each class that the cache was ever asked for. The
  // counters of all others are 0, and their lines are left alone.
  template <typename F>
  void ForEachUsedClass(F&& f) const {
    for (int word = 0; word < kClassWords; ++word) {
      uint64_t bits = used_classes_[word].load(std::memory_order_relaxed);
      for (; bits != 0; bits &= bits - 1) {
        f(64 * word + __builtin_ctzll(bits));
      }
    }
  }

  // Reads counters, for a snapshot.
  uint64_t CountFrees(int size_class) const;
  uint64_t CountHits(int size_class) const {
    return bins_[size_class].pops.load(std::memory_order_relaxed);
  }
  uint64_t CountMisses(int size_class) const {
    return cold_[size_class].misses.Value();
  }
  bool FreesRemotelyInto(int arena_index) const {
    return RemoteTable(arena_index) != nullptr;
  }
  uint64_t CountRemoteFrees(int arena_index, int size_class) const {
    return RemoteTable(arena_index)[size_class].Value();
  }
  // Bytes in magazines; may be a few blocks off while the owner works.
  uint64_t CachedBytes() const;
  uint64_t CachedBytes(int size_class) const;
  uint64_t RequestedBytes(int size_class) const {
    return bins_[size_class].requested_bytes.load(std::memory_order_relaxed);
  }
  uint64_t TotalRequests() const;
  uint64_t drained_bytes() const { return drained_bytes_.Value(); }
  const DurationRecorder& durations() const { return durations_; }
  uint64_t budget_bytes() const {
    return budget_bytes_.load(std::memory_order_relaxed);  // a statistic
  }
  uint64_t evictions(EvictionReason reason) const {
    return evictions_[static_cast<int>(reason)].Value();
  }
  int64_t thread_id() const {
    return thread_id_.load(std::memory_order_relaxed);  // a statistic
  }

  // Guards `state` and, while it is not kActive, everything above.
  Mutex mutex{LockRank::kThreadCache};
  // Relaxed reads by snapshots; changes under `mutex`.
  std::atomic<CacheState> state{CacheState::kSpare};

  // Kept by PoolCore under its lock.
  ThreadCache* next_cache = nullptr;
  uint64_t seen_requests = 0;
  int64_t seen_nanos = 0;

  // The first inconsistency, or null. For the owner.
  const char* CheckInvariants() const;

 private:
  static constexpr int kClassWords = (kMaxSizeClasses + 63) / 64;

  bool IsUsed(int size_class) const {
    return (used_classes_[size_class / 64].load(std::memory_order_relaxed) >>
                (size_class % 64) &
            1) != 0;
  }
  void NoteUse(int size_class) {
    std::atomic<uint64_t>& word = used_classes_[size_class / 64];
    word.store(
        word.load(std::memory_order_relaxed) | uint64_t{1} << size_class % 64,
        std::memory_order_relaxed);
  }
  // Acquire pairs with the table's publication.
  const SingleWriterCounter* RemoteTable(int arena_index) const {
    return __atomic_load_n(&remote_frees_[arena_index], __ATOMIC_ACQUIRE);
  }
  void* ServeMiss(int size_class, size_t size, Refusal* refusal);
  Arena* ArenaToAsk(int size_class);
  void* ServeMissTimed(int size_class, size_t size, Refusal* refusal);
  void* ServeUnsampled(int size_class, size_t size, bool timed,
                       Refusal* refusal);
  SampleRecord* TakeSample(int size_class, size_t size);
  // True each kCheckInterval allocations from the magazine: one to be timed.
  bool OnEvent(int size_class);
  void ArmEvent(int size_class);
  void DrawSample(int size_class);
  void CountDownSample(int size_class);
  void TrimWhenDue();
  void* Deliver(int size_class, size_t size, uintptr_t block);
  void OnSlowPath();
  void FlushAsRequested();
  void TrimUnused(EvictionReason reason);

  // Magazines.
  void Insert(int size_class, uintptr_t block);  // needs room
  bool HasRoom(int size_class) const {
    return bins_[size_class].level() < cold_[size_class].capacity;
  }
  bool SetCapacity(int size_class, uint32_t capacity);
  void TryGrow(int size_class);
  bool FitsBudget(uint64_t granted_after);
  void FlushOldest(int size_class, uint64_t count, EvictionReason reason,
                   bool share = false);
  void GiveBack(int size_class, const uintptr_t* blocks, int count,
                bool share = false);

  // Slabs.
  void PutInSlab(int size_class, uintptr_t address);
  void ReleaseEmptySlabs(int size_class);

  // Messages. `overflow` gathers runs that the magazines had no room for.
  struct Overflow {
    static constexpr int kCapacity = 64;
    uintptr_t blocks[kCapacity];
    int count = 0;
  };
  void DrainBlock(uintptr_t address, Overflow* overflow);
  // Past the magazines, to the arena; blocks in slabs go back to `owner`'s
  // queue as long as there is one.
  static void DrainToArena(uintptr_t messages, ThreadCache* owner);
  // Gives all slabs to the arena, which runs close() at the same moment.
  template <typename F>
  void OrphanSlabs(F&& close);
  RemoteBatch* NewBatch();
  void Send(ThreadCache* owner, uintptr_t message);

  PoolEnv* const env_;
  ColdBin* const cold_;
  SingleWriterCounter** const remote_frees_;  // [arena] -> [class], or null
  std::atomic<Arena*> arena_{nullptr};
  std::atomic<bool> enabled_{true};
  std::atomic<bool> trim_requested_{false};
  std::atomic<int64_t> thread_id_{0};
  ReturnQueue returns_;
  // A bit a class; written by the owner. Relaxed: a bit is set before the class
  // counts anything, so that who acquires a free of it sees the bit as well.
  std::array<std::atomic<uint64_t>, kClassWords> used_classes_{};

  // Budget.
  std::atomic<uint64_t> budget_bytes_{0};
  uint64_t granted_bytes_ = 0;  // sum of capacity * class size
  uint64_t requests_since_trim_ = 0;
  uint32_t slow_paths_ = 0;
  uint32_t misses_ = 0;
  int shareable_magazines_ = 0;  // of classes that SharedBlocks keeps

  // Frees on their way to another owner.
  ThreadCache* pending_owner_ = nullptr;
  RemoteBatch* pending_ = nullptr;
  uint64_t pending_bytes_ = 0;
  // Whose block was freed last, and how many of them in a row.
  ThreadCache* run_owner_ = nullptr;
  uint32_t run_length_ = 0;
  RemoteBatch* spare_batches_ = nullptr;
  int batch_count_ = 0;
  // Batches that owners sent back.
  std::atomic<RemoteBatch*> returned_batches_{nullptr};

  SamplePace pace_;
  uint64_t sample_epoch_ = 0;

  DurationRecorder durations_;
  SingleWriterCounter drained_bytes_;
  std::array<SingleWriterCounter, kEvictionReasonCount> evictions_;
};

// Frees a block whose free has been counted, wherever its run belongs by now:
// to an arena, or to a cache, which is sent a message. For threads without a
// cache, messages that reach the wrong owner, and blocks to `share`.
void FreeCounted(uintptr_t address, bool share);

}  // namespace pool_internal
}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_POOL_THREAD_CACHE_H_
