#include "poolscope/tests/allocator/pool/stress/pool_plugin.h"

#include <memory>

#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/tests/allocator/pool/stress/trace.h"

namespace poolscope {
namespace {

PooledAllocator* Pool(void* pool) {
  return static_cast<PooledAllocator*>(pool);
}

void* Create(size_t max_direct_memory_bytes) {
  PoolOptions options;
  options.max_direct_memory_bytes = max_direct_memory_bytes;
  auto pool = PooledAllocator::Create(options);
  return pool.ok() ? pool->release() : nullptr;
}

void Destroy(void* pool) { delete Pool(pool); }

void* Allocate(void* pool, size_t bytes) { return Pool(pool)->Allocate(bytes); }

void Free(void* pool, void* block) { Pool(pool)->Free(block); }

void FreeBlock(void* block) { PooledAllocator::FreeBlock(block); }

uint64_t ActiveBlocksOf(void* pool) {
  return ActiveBlocks(Pool(pool)->Stats());
}

uint64_t ThreadCaches(void* pool) {
  return Pool(pool)->Stats().thread_cache_count;
}

int InvariantsHold(void* pool) { return Pool(pool)->CheckInvariants().ok(); }

}  // namespace
}  // namespace poolscope

extern "C" const poolscope::PoolPlugin pool_plugin = {
    poolscope::Create,       poolscope::Destroy,
    poolscope::Allocate,     poolscope::Free,
    poolscope::FreeBlock,    poolscope::ActiveBlocksOf,
    poolscope::ThreadCaches, poolscope::InvariantsHold};
