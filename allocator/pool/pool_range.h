// PoolRange: addresses that the pool has mapped, and what for; plain values.
//
// What attributes the process's memory to owners knows by these which of it is
// the pool's. Every mapping that the library makes by itself lies in one.
#ifndef POOLSCOPE_ALLOCATOR_POOL_POOL_RANGE_H_
#define POOLSCOPE_ALLOCATOR_POOL_POOL_RANGE_H_

#include <cstddef>
#include <cstdint>

namespace poolscope {

struct PoolRange {
  enum class Use {
    kChunk,     // users' memory, of an arena
    kHuge,      // users' memory, one block that is larger than a chunk
    kMetadata,  // the library's own tables
  };
  static constexpr int kNoArena = -1;

  uintptr_t base = 0;
  size_t bytes = 0;  // a multiple of 4096
  Use use = Use::kChunk;
  int arena = kNoArena;  // its index in its allocator; none has metadata
};

namespace pool_internal {

inline PoolRange MetadataRange(const void* base, size_t bytes) {
  return {reinterpret_cast<uintptr_t>(base), bytes, PoolRange::Use::kMetadata,
          PoolRange::kNoArena};
}

}  // namespace pool_internal
}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_POOL_POOL_RANGE_H_
