// The C interface of libpool_plugin.so, a shared object that brings the pool
// into a program which does not have it.
//
// Thread safety: as PooledAllocator's.
#ifndef POOLSCOPE_TESTS_ALLOCATOR_POOL_STRESS_POOL_PLUGIN_H_
#define POOLSCOPE_TESTS_ALLOCATOR_POOL_STRESS_POOL_PLUGIN_H_

#include <cstddef>
#include <cstdint>

namespace poolscope {

// The functions, under the name of the one symbol that is looked up.
struct PoolPlugin {
  void* (*create)(size_t max_direct_memory_bytes);  // null: refused
  void (*destroy)(void* pool);
  void* (*allocate)(void* pool, size_t bytes);
  void (*free)(void* pool, void* block);
  void (*free_block)(void* block);
  uint64_t (*active_blocks)(void* pool);
  uint64_t (*thread_caches)(void* pool);
  int (*invariants_hold)(void* pool);
};

inline constexpr char kPoolPluginSymbol[] = "pool_plugin";

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_ALLOCATOR_POOL_STRESS_POOL_PLUGIN_H_
