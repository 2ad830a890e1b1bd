// poolscope as a shared object with a malloc-like interface: one process-wide
// PooledAllocator with default options but for the layout, which is the
// object's (shim_layout.h). Everything but these functions is hidden
// (poolscope_exports.lds), so a call crosses the boundary of the object once,
// as it does in the libraries it is compared with.
//
// Thread-safe. The allocator is made when the object is loaded and never
// destroyed: threads may free until the process ends.
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <new>

#include "absl/status/statusor.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/allocator/pool/fast_path.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/bench/pool_hooks.h"
#include "poolscope/bench/shim_buffers.h"
#include "poolscope/bench/shim_layout.h"

using poolscope::pool_internal::AllocateFrom;
using poolscope::pool_internal::FreeTo;

namespace {

poolscope::PooledAllocator* CreateOrDie() {
  poolscope::PoolOptions options;
  options.layout = poolscope::bench::kShimLayout;
  auto allocator = poolscope::PooledAllocator::Create(options);
  if (!allocator.ok()) {
    std::fprintf(stderr, "bench: %s\n", allocator.status().ToString().c_str());
    std::exit(1);
  }
  return allocator->release();
}

// Not a local static: the hot path would test its guard.
poolscope::PooledAllocator* const g_allocator = CreateOrDie();
poolscope::BufferAllocator* const g_buffers =
    poolscope::BufferAllocator::Pooled(g_allocator).release();

// What Allocate() returns, and a caller keeps.
using BufferOr = absl::StatusOr<poolscope::Buffer>;
static_assert(sizeof(BufferOr) <= poolscope::bench::kBufferRoomBytes);

}  // namespace

namespace poolscope::bench {

BufferAllocator& ShimBuffers() { return *g_buffers; }

}  // namespace poolscope::bench

extern "C" {

// Null when the limit (half of the container's memory) is reached.
[[gnu::aligned(64)]] void* poolscope_bench_malloc(size_t size) {
  return AllocateFrom(g_allocator, size);
}

[[gnu::aligned(64)]] void poolscope_bench_free(void* block) {
  FreeTo(g_allocator, block);
}

[[gnu::aligned(64)]] void poolscope_bench_sized_free(void* block, size_t size) {
  FreeTo(g_allocator, block);
  static_cast<void>(size);
}

[[gnu::aligned(64)]] bool poolscope_bench_buffer_allocate(void* room,
                                                          size_t size) {
  return (new (room) BufferOr(g_buffers->Allocate(size)))->ok();
}

[[gnu::aligned(64)]] void poolscope_bench_buffer_destroy(void* room) {
  static_cast<BufferOr*>(room)->~BufferOr();
}

// The calling thread is about to wait.
void poolscope_bench_idle() { poolscope::PooledAllocator::MarkThreadIdle(); }

// The functions of PoolHooks.

void poolscope_bench_maintain() { (void)g_allocator->Maintain(); }

void poolscope_bench_trim() { (void)g_allocator->Trim(); }

void poolscope_bench_figures(poolscope::bench::PoolFigures* figures) {
  const poolscope::AllocatorStats stats = g_allocator->Stats();
  *figures = {};
  for (const poolscope::ArenaStats& arena : stats.arenas) {
    for (const poolscope::KindCounts& kind : arena.by_kind) {
      figures->allocations += kind.allocations;
      figures->deallocations += kind.deallocations;
    }
    figures->allocated_bytes += arena.allocated_bytes;
    figures->freed_bytes += arena.freed_bytes;
    figures->used_bytes += arena.used_bytes;
    figures->external_fragmentation_bytes += arena.external_fragmentation_bytes;
  }
  figures->requested_bytes = stats.requested_bytes;
  figures->pinned_bytes = stats.pinned_bytes + stats.huge_used_bytes;
  figures->cached_bytes = stats.cached_bytes;
  figures->used_bytes += stats.huge_used_bytes;
  figures->internal_fragmentation_bytes = stats.internal_fragmentation_bytes;
}

}  // extern "C"
