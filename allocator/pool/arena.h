// Arena: chunks, and the runs of pages cut from them, behind one lock.
//
//   ThreadCache --TakeSlab/TakeBlocks--> Arena --> ChunkLists --> Chunk
//               <-ReturnSlab/ReturnBlocks        \-> MemoryLimit, MemorySource
//
// A thread's cache is bound to one arena and takes slabs and single blocks from
// it, many allocations at a time. What a cache leaves behind when its thread
// exits, the arena owns: the slabs become "orphans" with the arena as owner,
// until a cache adopts them or their last block is freed. Blocks for threads
// without a cache, sampled blocks and those aligned beyond a page are the
// arena's from the start ("direct"). Freed large blocks that any thread may
// take are the arena's as well; see shared_blocks.h.
//
// Thread safety: thread-safe. One lock, of rank kArena; memory is unmapped
// after it is released. Counters are written under the lock and read without.
#ifndef POOLSCOPE_ALLOCATOR_POOL_ARENA_H_
#define POOLSCOPE_ALLOCATOR_POOL_ARENA_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "poolscope/allocator/base/mutex.h"
#include "poolscope/allocator/base/single_writer_counter.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/allocator/pool/chunk_list.h"
#include "poolscope/allocator/pool/duration_recorder.h"
#include "poolscope/allocator/pool/owner.h"
#include "poolscope/allocator/pool/pool_env.h"
#include "poolscope/allocator/pool/pool_range.h"
#include "poolscope/allocator/pool/sampler.h"
#include "poolscope/allocator/pool/segment.h"
#include "poolscope/allocator/pool/shared_blocks.h"
#include "poolscope/allocator/pool/size_classes.h"

namespace poolscope {
namespace pool_internal {

// Blocks allocated or freed under the arena's lock, by class. Frees are read
// before allocations; see SingleWriterCounter.
struct DirectCounters {
  std::array<SingleWriterCounter, kMaxSizeClasses> allocations;
  std::array<SingleWriterCounter, kMaxSizeClasses> frees;
  SingleWriterCounter requested_bytes;
  // Blocks that CountFree() counted, and those whose free had been counted when
  // they arrived here.
  SingleWriterCounter sent_bytes;
  SingleWriterCounter drained_bytes;
  SingleWriterCounter huge_allocations;
  SingleWriterCounter huge_frees;
  SingleWriterCounter huge_allocated_bytes;
  SingleWriterCounter huge_freed_bytes;
};

class Arena : public Owner {
 public:
  // What FreeDirect() found.
  enum class FreeResult {
    kFreed,
    kOwnedByCache,  // nothing done: hand the block to its owner
  };

  Arena(PoolEnv* env, int index);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  int index() const { return index_; }

  // A slab of a class below a page, with at least one free element, now owned
  // by `owner`: an orphan if there is one, else a new run. Null, and *refusal
  // says why.
  RunInfo* TakeSlab(int size_class, OwnerId owner, Refusal* refusal);
  // Up to `want` blocks of a class of at least a page, as new runs or of those
  // that are shared. The number taken.
  int TakeBlocks(int size_class, OwnerId owner, int want, uintptr_t* blocks,
                 Refusal* refusal);
  int TakeShared(int size_class, OwnerId owner, int want, uintptr_t* blocks);
  // The reverse. A slab must have all its elements free; blocks must be free.
  void ReturnSlab(RunInfo* slab);
  void ReturnBlocks(const uintptr_t* blocks, int count);
  // The same, for any thread to take as long as there is room for them.
  void ShareBlocks(const uintptr_t* blocks, int count);

  // Runs f() under the lock, then takes over the slabs of `list` (linked by
  // next), which may hold blocks in use. f() closes the way by which blocks of
  // these slabs reach their former owner.
  template <typename F>
  void Orphan(RunInfo* list, F&& close) {
    Chunk* reaped = nullptr;
    {
      MutexLock lock(&mutex_);
      close();
      while (list != nullptr) {
        RunInfo* next = list->next;
        OrphanLocked(list, &reaped);
        list = next;
      }
    }
    Unmap(reaped);
  }

  // One block for a thread without a cache, or aligned to `page_alignment`
  // pages, a power of two; counted here. With `existing_only`, no chunk is
  // created for it.
  void* AllocateDirect(int size_class, uint32_t page_alignment,
                       size_t requested_bytes, bool existing_only,
                       Refusal* refusal);
  // A shared block for a thread of another arena, or null; counted here.
  void* AllocateShared(int size_class, size_t requested_bytes);
  // Whether that is worth the lock.
  bool HasShared(int size_class) const { return shared_.Has(size_class); }
  // As AllocateDirect, but on a page of its own, marked as sampled, with
  // `record`; counted here when `count`, else by the caller.
  void* AllocateSampled(int size_class, uint32_t page_alignment,
                        SampleRecord* record, size_t requested_bytes,
                        bool count, bool existing_only, Refusal* refusal);
  // Frees a block of one of this arena's chunks. `count`: the free is counted
  // here; else a thread cache has counted it, and it has now arrived.
  // `share`: a large block is left to any thread as long as there is room.
  FreeResult FreeDirect(uintptr_t address, bool count, bool share);

  // Counts a free for a thread that has no counters of its own and hands the
  // block to FreeCounted().
  void CountFree(int size_class);
  void CountHugeAllocation(size_t bytes, size_t requested_bytes, int64_t nanos);
  void CountHugeFree(size_t bytes);

  // Frees shared blocks: all of them, or what nobody needed for
  // thread_cache_idle_trim.
  void ReleaseShared(bool all);
  uint64_t shared_bytes() const { return shared_.bytes(); }

  // Unmaps empty chunks: all of them, or those whose decay has passed.
  void ReleaseEmptyChunks(bool all, uint64_t* chunks, uint64_t* bytes);
  // Gives back the memory of free pages in chunks that are in use. Bytes that
  // had been handed out before; holds the lock over the system calls.
  uint64_t PurgeFreePages();

  const DirectCounters& counters() const { return counters_; }
  const DurationRecorder& durations() const { return durations_; }
  LockCounts lock_counts() const { return mutex_.Counts(); }
  // Grows with each chunk mapped: whether a request went to the system.
  uint64_t chunks_created() const { return chunks_created_.Value(); }

  // Blocks carved out of chunks now, by class.
  using Carved = std::array<uint64_t, kMaxSizeClasses>;

  // Adds what the arena knows to `stats`: reserved, used, lists, utilization,
  // carved blocks; and one entry a chunk when `chunks` is not null.
  void Collect(ArenaStats* arena, AllocatorStats* totals, Carved* carved,
               std::vector<ChunkStats>* chunks);

  // Its chunks, and the segments that describe them.
  void AppendRanges(std::vector<PoolRange>* ranges);

  // The first inconsistency, or "". Exact at any time for what the lock
  // guards.
  std::string CheckInvariants();

  // The allocator's arenas as a ring; set before any thread is attached.
  Arena* neighbour() const { return neighbour_; }
  void set_neighbour(Arena* arena) { neighbour_ = arena; }

  Mutex* mutex() { return &mutex_; }  // for fork()

 private:
  RunInfo* NewRunLocked(int size_class, uint32_t pages, uint32_t alignment,
                        uint32_t elements, OwnerId owner, bool existing_only,
                        Refusal* refusal) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FreeRunLocked(RunInfo* run, Chunk** reaped)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Keeps a free run as shared, or frees its pages.
  void ShareLocked(RunInfo* run, Chunk** reaped)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Marks and counts a direct block.
  void* HandOutLocked(uintptr_t block, int size_class, size_t requested_bytes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SetWords(RunInfo* run, OwnerId owner, bool sampled);
  void OrphanLocked(RunInfo* slab, Chunk** reaped)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void LinkOrphan(RunInfo* slab) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void UnlinkOrphan(RunInfo* slab) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // True when a chunk was added to the lists.
  bool CreateChunkLocked(Refusal* refusal)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Moves empty chunks out of lists and address table, onto *reaped.
  void ReapLocked(bool all, Chunk** reaped)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DetachLocked(Chunk* chunk, Chunk** reaped)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Without the lock.
  void Unmap(Chunk* reaped);
  void ReleaseChunk(Chunk* chunk);
  void FreeChunkObject(Chunk* chunk);
  uint64_t UsedLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return reserved_bytes_ - free_bytes_;
  }
  // Blocks in users' hands and in caches, by walking a chunk's runs.
  void CollectChunk(Chunk* chunk, ChunkStats* stats)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::string CheckSharedLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::string CheckChunkLocked(Chunk* chunk, Carved* carved)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  PoolEnv* const env_;
  const int index_;
  Arena* neighbour_ = this;

  Mutex mutex_{LockRank::kArena};
  ChunkLists lists_ ABSL_GUARDED_BY(mutex_);
  // Orphaned slabs that have a free element, by class.
  std::array<RunInfo*, kMaxSizeClasses> orphans_ ABSL_GUARDED_BY(mutex_) = {};
  SharedBlocks shared_;  // written under the lock
  int64_t shared_since_nanos_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t reserved_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t free_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t peak_used_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t chunk_allocations_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t chunk_deallocations_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t empty_chunks_ ABSL_GUARDED_BY(mutex_) = 0;
  uint32_t frees_since_reap_ ABSL_GUARDED_BY(mutex_) = 0;
  Carved carved_ ABSL_GUARDED_BY(mutex_) = {};

  DirectCounters counters_;
  // Written under the lock.
  DurationRecorder durations_;
  SingleWriterCounter chunks_created_;
};

}  // namespace pool_internal
}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_POOL_ARENA_H_
