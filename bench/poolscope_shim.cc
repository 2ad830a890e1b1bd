// poolscope as a shared object with a malloc-like interface: one process-wide
// PooledAllocator with default options, statistics included. Everything but
// these functions is hidden (exports.lds), so a call crosses the boundary of
// the object once, as it does in the libraries it is compared with.
//
// Thread-safe. The allocator is made when the object is loaded and never
// destroyed: threads may free until the process ends.
#include <cstddef>
#include <cstdio>
#include <cstdlib>

#include "absl/status/statusor.h"
#include "poolscope/allocator/pool/pooled_allocator.h"

namespace {

poolscope::PooledAllocator* CreateOrDie() {
  auto allocator = poolscope::PooledAllocator::Create(poolscope::PoolOptions());
  if (!allocator.ok()) {
    std::fprintf(stderr, "bench: %s\n", allocator.status().ToString().c_str());
    std::exit(1);
  }
  return allocator->release();
}

// Not a local static: the hot path would test its guard.
poolscope::PooledAllocator* const g_allocator = CreateOrDie();

}  // namespace

extern "C" {

// Null when the limit (half of the container's memory) is reached.
void* poolscope_bench_malloc(size_t size) {
  return g_allocator->Allocate(size);
}

void poolscope_bench_free(void* block) { g_allocator->Free(block); }

void poolscope_bench_sized_free(void* block, size_t size) {
  g_allocator->Free(block, size);
}

// The calling thread is about to wait.
void poolscope_bench_idle() { poolscope::PooledAllocator::MarkThreadIdle(); }

}  // extern "C"
