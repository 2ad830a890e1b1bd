// AllocatorStats: one snapshot of a PooledAllocator as plain values.
//
// Taken once, by PooledAllocator::Stats(), and passed by const reference to
// whatever renders it: text, JSON and metrics come from the same values. No
// pointer leads back into the allocator.
//
// These hold in every snapshot, at full load (everything below that is a sum or
// a difference is derived when the snapshot is taken, from counters that only
// grow; frees are read before allocations):
//
//   active              = allocations - deallocations        (never negative)
//   thread cache requests = hits + misses
//   used_bytes + free over the chunk lists = reserved_bytes
//   chunks over the lists = chunk_allocations - chunk_deallocations
//   peak                >= now
//
// Bytes of blocks are bytes of their size class, never of the request, unless
// the field says `requested`.
#ifndef POOLSCOPE_ALLOCATOR_POOL_ALLOCATOR_STATS_H_
#define POOLSCOPE_ALLOCATOR_POOL_ALLOCATOR_STATS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace poolscope {

// Netty's kinds: small below four pages (28 KiB with 8 KiB pages), of the buddy
// layout below one, its "tiny" included; normal up to the chunk, huge above it.
enum class Kind { kSmall, kNormal, kHuge };
inline constexpr int kKindCount = 3;
const char* KindName(Kind kind);  // "small", "normal", "huge"

// The chunk lists in order of fullness.
enum class ChunkListId { kQInit, kQ000, kQ025, kQ050, kQ075, kQ100 };
inline constexpr int kChunkListCount = 6;
const char* ChunkListName(ChunkListId list);  // "qinit", "q000", ...

// Why a thread cache gave blocks back.
enum class EvictionReason { kFull, kTrim, kIdle, kThreadExit, kReclaim };
inline constexpr int kEvictionReasonCount = 5;
const char* EvictionReasonName(EvictionReason reason);  // "full", "trim", ...

struct KindCounts {
  uint64_t allocations = 0;
  uint64_t deallocations = 0;
  uint64_t active = 0;
};

struct ChunkListStats {
  ChunkListId list = ChunkListId::kQInit;
  int min_usage_percent = 0;  // as Netty reports them: at least 1,
  int max_usage_percent = 0;  // at most 100
  uint64_t chunks = 0;
  uint64_t free_bytes = 0;
};

// The oldest of the sampled blocks that live in a chunk: as long as one does,
// the chunk stays mapped. The id is its record's, unique in the allocator.
struct OldestSample {
  uint64_t id = 0;  // 0: none is sampled
  uint64_t requested_bytes = 0;
  double age_seconds = 0;
};

// One chunk, as the search for memory sees it.
struct ChunkStats {
  uint64_t id = 0;  // unique in the process
  uint64_t address = 0;
  int arena = 0;
  ChunkListId list = ChunkListId::kQInit;
  int usage_percent = 0;  // Netty's rounding: 100 only when full
  uint64_t size_bytes = 0;
  uint64_t used_bytes = 0;  // runs handed out
  uint64_t free_bytes = 0;  // size - used
  // Blocks in users' hands, and those on their way back to a thread cache that
  // has not taken them up (idle caches take them up before the walk).
  uint64_t pinned_bytes = 0;
  uint64_t cached_bytes = 0;     // blocks in thread caches
  double empty_for_seconds = 0;  // 0 unless empty
  OldestSample oldest_sample;
};

struct ArenaStats {
  int index = 0;
  uint64_t reserved_bytes = 0;  // chunks mapped
  uint64_t used_bytes = 0;      // runs handed out of chunks
  uint64_t peak_used_bytes = 0;
  uint64_t pinned_bytes = 0;  // blocks in users' hands
  // Blocks in thread caches, returning to one, or shared (shared_blocks.h).
  uint64_t cached_bytes = 0;
  uint64_t external_fragmentation_bytes = 0;  // free in chunks not empty
  uint64_t allocated_bytes = 0;               // counter
  uint64_t freed_bytes = 0;                   // counter
  // Huge blocks are counted in the arena of the thread that asked for them.
  std::array<KindCounts, kKindCount> by_kind;
  uint64_t thread_caches = 0;
  uint64_t chunk_allocations = 0;
  uint64_t chunk_deallocations = 0;
  std::array<ChunkListStats, kChunkListCount> lists;
};

struct SizeClassStats {
  uint64_t size_bytes = 0;
  Kind kind = Kind::kSmall;
  uint64_t allocations = 0;
  uint64_t deallocations = 0;
  uint64_t active_elements = 0;
  uint64_t capacity_elements = 0;  // blocks of this class carved out of chunks
};

struct ThreadCacheKindStats {
  uint64_t requests = 0;  // hits + misses
  uint64_t hits = 0;
  uint64_t misses = 0;
};

// One thread's cache.
struct ThreadCacheStats {
  uint64_t id = 0;
  int arena = 0;
  int64_t thread_id = 0;  // the kernel's, of the owner; 0 when it has exited
  bool idle = false;      // its owner said MarkThreadIdle()
  uint64_t cached_bytes = 0;
  uint64_t limit_bytes = 0;  // its budget now
  uint64_t requests = 0;
  uint64_t hits = 0;
};

// One kind of lock, over all its instances.
struct LockStats {
  uint64_t acquisitions = 0;
  uint64_t contentions = 0;  // acquisitions that had to wait
  double wait_seconds = 0;   // altogether
};

// How far an allocation had to go.
enum class AllocationPath {
  kCache,  // served from the thread's magazine
  kArena,  // slabs, or runs of existing chunks
  kOs,     // a chunk or a huge block was mapped for it
};
inline constexpr int kAllocationPathCount = 3;
const char* AllocationPathName(AllocationPath path);  // "cache", "arena", "os"

// Durations of sampled allocations: counts by upper bound in nanoseconds, not
// cumulative; the last count is of those above every bound.
inline constexpr std::array<uint64_t, 15> kDurationBoundsNanos = {
    16,    32,     64,     125,     250,     500,       1'000,     2'500,
    5'000, 10'000, 25'000, 100'000, 500'000, 2'500'000, 10'000'000};
struct DurationStats {
  std::array<uint64_t, kDurationBoundsNanos.size() + 1> counts{};
  double sum_seconds = 0;
};

// The next AllocatorStats::snapshot_id.
uint64_t NextSnapshotId();

struct AllocatorStats {
  uint64_t snapshot_id = 0;  // grows by one a snapshot, process-wide
  std::string name;          // PoolOptions::name
  uint64_t page_size_bytes = 0;
  uint64_t chunk_size_bytes = 0;
  std::string layout;  // "runs" or "buddy"

  // Direct memory: chunks plus huge blocks.
  uint64_t direct_used_bytes = 0;
  uint64_t direct_limit_bytes = 0;
  uint64_t direct_peak_bytes = 0;
  uint64_t huge_used_bytes = 0;

  uint64_t allocation_failures_limit = 0;
  uint64_t allocation_failures_mapping = 0;
  uint64_t requested_bytes = 0;  // counter: bytes asked for
  uint64_t pinned_bytes = 0;     // over arenas, without huge
  uint64_t cached_bytes = 0;     // over arenas
  uint64_t metadata_bytes = 0;   // our own tables and records, mapped

  std::vector<ArenaStats> arenas;
  std::vector<SizeClassStats> size_classes;
  std::vector<ChunkStats> chunks;  // empty unless asked for

  // Number of chunks whose usage (Netty's percent) is 0, 1-5, 6-25, 26-50,
  // 51-75, 76-99, 100.
  std::array<uint64_t, 7> chunks_by_utilization{};
  uint64_t chunk_list_moves_next = 0;  // counter: to a fuller list
  uint64_t chunk_list_moves_prev = 0;  // counter: to an emptier one

  std::array<ThreadCacheKindStats, kKindCount> thread_cache_by_kind;
  std::array<uint64_t, kEvictionReasonCount> thread_cache_evictions{};
  uint64_t thread_cache_count = 0;
  uint64_t thread_cache_bytes = 0;  // = cached_bytes
  uint64_t thread_cache_limit_bytes = 0;
  uint64_t remote_frees = 0;  // counter

  LockStats arena_locks;
  // Sampled: each 1024th allocation of a class from a magazine, each 16th miss
  // of a thread, every huge block; by AllocationPath.
  std::array<DurationStats, kAllocationPathCount> durations;
  std::vector<ThreadCacheStats> thread_caches;  // empty unless asked for

  // From the sampling records; meaningful while sampling is on.
  uint64_t sampled_live_allocations = 0;
  uint64_t missed_samples = 0;  // served without the record that was due
  double oldest_allocation_age_seconds = 0;  // 0 when no sample is alive
  double internal_fragmentation_bytes = 0;   // weighted estimate
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_POOL_ALLOCATOR_STATS_H_
