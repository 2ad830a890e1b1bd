// PoolOptions: everything a PooledAllocator can be told, with its defaults.
//
//   PoolOptions options;
//   options.name = "rpc";
//   options.max_direct_memory_bytes = 256 << 20;
//   absl::StatusOr<std::unique_ptr<PooledAllocator>> pool =
//       PooledAllocator::Create(options);
//
// A plain value: copy it, change it, pass it on. ResolvePoolOptions() checks
// it and fills in what was left at "choose for me" (0 or nullopt).
#ifndef POOLSCOPE_ALLOCATOR_POOL_POOL_OPTIONS_H_
#define POOLSCOPE_ALLOCATOR_POOL_POOL_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace poolscope {

class AllocationObserver;
class Clock;
class MemorySource;

// How a chunk's pages are kept, and with it the size classes.
enum class ChunkLayout {
  kRuns,   // page runs, jemalloc 4's classes
  kBuddy,  // a buddy tree, powers of two: Netty before 4.1.52
};
const char* ChunkLayoutName(ChunkLayout layout);  // "runs", "buddy"

struct PoolOptions {
  // The value of the `allocator` label. 1 to 64 bytes of [A-Za-z0-9_.:-].
  std::string name = "default";

  // Upper bound on chunks plus huge blocks, in bytes. 0: half of the
  // container's memory limit, or of the machine's RAM where there is none.
  size_t max_direct_memory_bytes = 0;

  // A power of two, 4 KiB to 1 MiB.
  size_t page_size_bytes = 8192;

  // chunk = page << max_order, at most 1 GiB; 0 to 14 (Netty's bounds). Chunks
  // are aligned to 4 MiB, and each takes 444 KiB of address space for tables:
  // far smaller ones are for tests. A slab holds at most 512 blocks, so pages
  // above 8 KiB leave part of themselves unused by the smallest classes.
  int max_order = 9;  // 4 MiB

  // kRuns wastes less of a block; docs/decisions/0008-two-layouts.md compares.
  ChunkLayout layout = ChunkLayout::kRuns;

  // Number of arenas, 1 to 1024. Unset: Netty's formula, min(2 * cores,
  // max_direct_memory / chunk / 2 / 3), but at least one.
  std::optional<int> arenas;

  // False: every request goes to an arena under its lock.
  bool use_thread_caches = true;

  // Bytes one thread's cache may hold: what it starts with, and what a busy
  // thread may grow to. initial <= max <= 1 GiB.
  size_t thread_cache_initial_bytes = 2 << 20;
  size_t thread_cache_max_bytes = 16 << 20;

  // A thread cache gives back what it did not use in this many requests
  // (Netty's 8192); 0 never does.
  uint64_t thread_cache_trim_interval = 8192;

  // A cache that served nothing for this long is emptied by Maintain().
  absl::Duration thread_cache_idle_trim = absl::Seconds(10);

  // An empty chunk is unmapped after this long. Zero: at once.
  absl::Duration empty_chunk_decay = absl::Seconds(5);

  // Whether blocks larger than a chunk ask for transparent huge pages. One that
  // is written whole takes a quarter of the time or less; the first byte
  // touched in each 2 MiB makes all of these resident, instead of 4 KiB. Chunks
  // never ask. See docs/decisions/0010-huge-pages.md.
  bool huge_pages = true;

  // Whether some allocations leave a record (age, size, weight) behind.
  bool sampling = true;

  // Mean bytes between two sampled allocations. 0: each thread measures what a
  // sample costs it and keeps the interval so long that sampling takes at most
  // about 2 % of its time, never below 512 KiB.
  size_t sample_interval_bytes = 0;

  // Samples one allocation in so many (Netty: 128) instead, whatever their
  // sizes; 0 does not. Sums of bytes stay unbiased, but rare large blocks are
  // missed, and the cost does not adapt: a sample takes 1,800 instructions,
  // with a leak detector 3,800, so that 1 in 128 adds 30 to the 110 of a pair.
  // Not together with sample_interval_bytes.
  uint64_t sample_one_in = 0;

  // Seeds the draws of the sampler, so that a thread's are the same in every
  // run; 0: they differ by thread and process.
  uint64_t sample_seed = 0;

  // Is told of sampled blocks. Of this allocator alone, as ids are unique in
  // one; kept until its last block is back. Null: nobody.
  std::shared_ptr<AllocationObserver> observer;

  // Seams for tests. Not owned; must outlive the allocator's last block.
  // Null: the real clock, the operating system's mmap.
  const Clock* clock = nullptr;
  MemorySource* memory_source = nullptr;

  size_t chunk_size_bytes() const { return page_size_bytes << max_order; }
};

// Returns `options` with every "choose for me" filled in, or
// InvalidArgumentError naming the first bad value and its bounds.
absl::StatusOr<PoolOptions> ResolvePoolOptions(PoolOptions options);

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_POOL_POOL_OPTIONS_H_
