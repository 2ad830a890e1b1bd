// What poolscope's shared object offers beside malloc and free: the functions
// that a service calls, and the figures that a scrape reads, as plain C so that
// they pass the boundary of the object.
#ifndef POOLSCOPE_BENCH_POOL_HOOKS_H_
#define POOLSCOPE_BENCH_POOL_HOOKS_H_

#include <cstddef>
#include <cstdint>

namespace poolscope::bench {

// One snapshot of the allocator, summed over its arenas. Bytes of blocks are
// bytes of their size class.
struct PoolFigures {
  uint64_t allocations;  // counters, of every kind
  uint64_t deallocations;
  uint64_t requested_bytes;  // counter: bytes asked for
  uint64_t allocated_bytes;  // counter
  uint64_t freed_bytes;      // counter
  uint64_t pinned_bytes;     // in users' hands, huge blocks included
  uint64_t cached_bytes;     // in thread caches
  uint64_t used_bytes;       // runs handed out of chunks, and huge blocks
  uint64_t external_fragmentation_bytes;  // free in chunks that are not empty
  double internal_fragmentation_bytes;    // estimate from sampled live blocks
};

// Enough for the absl::StatusOr<Buffer> that an allocation returns; only the
// shared object knows it.
inline constexpr size_t kBufferRoomBytes = 96;

// All null in a policy that is not poolscope.
struct PoolHooks {
  void (*idle)() = nullptr;      // the calling thread is about to wait
  void (*maintain)() = nullptr;  // time-driven work, as a sidecar calls it
  void (*trim)() = nullptr;
  void (*figures)(PoolFigures* figures) = nullptr;  // takes one snapshot
  // Makes a Buffer in `room`, false when it is refused; and ends it, as it is
  // to be in either case.
  bool (*buffer_allocate)(void* room, size_t size) = nullptr;
  void (*buffer_destroy)(void* room) = nullptr;
  // A registered channel in front of a descriptor that takes everything; one
  // at a time writes `messages` buffers of `bytes` through it, a flush for each
  // batch.
  void* (*outbound_open)(int fd) = nullptr;
  void (*outbound_write)(void* outbound, size_t bytes, size_t batch,
                         uint64_t messages) = nullptr;
  void (*outbound_close)(void* outbound) = nullptr;
  // Makes two more allocators, each with a leak detector: disabled, and at
  // level simple. Once, before the four functions below.
  void (*watch)() = nullptr;
  void* (*disabled_allocate)(size_t size) = nullptr;
  void (*disabled_free)(void* block) = nullptr;
  void* (*simple_allocate)(size_t size) = nullptr;
  void (*simple_free)(void* block) = nullptr;
};

}  // namespace poolscope::bench

#endif  // POOLSCOPE_BENCH_POOL_HOOKS_H_
