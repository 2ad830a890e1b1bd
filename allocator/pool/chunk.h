// Chunk: one mapping of page << max_order bytes (4 MiB), cut into page runs.
//
//   states of a chunk          in list          memory
//   in use                     qInit..q100      mapped
//   empty, waiting for decay   qInit or q000    mapped, nothing handed out
//   unmapped                   none             gone
//
// Belongs to one arena from creation to end and sits in exactly one of its
// chunk lists. The object itself lives in the metadata allocator.
//
// Thread safety: thread-compatible, under the arena's lock; what is constant
// after construction may be read at any time.
#ifndef POOLSCOPE_ALLOCATOR_POOL_CHUNK_H_
#define POOLSCOPE_ALLOCATOR_POOL_CHUNK_H_

#include <cstddef>
#include <cstdint>

#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/allocator/pool/page_runs.h"

namespace poolscope {
namespace pool_internal {

class Arena;

class Chunk {
 public:
  Chunk(uint64_t id, char* base, size_t bytes, size_t page_bytes, Arena* arena,
        uint64_t* layout_bits)
      : id_(id),
        base_(base),
        bytes_(bytes),
        page_bytes_(page_bytes),
        arena_(arena),
        layout_(bytes / page_bytes, layout_bits) {}

  uint64_t id() const { return id_; }
  char* base() const { return base_; }
  size_t bytes() const { return bytes_; }
  Arena* arena() const { return arena_; }

  PageLayout& layout() { return layout_; }
  const PageLayout& layout() const { return layout_; }

  size_t free_bytes() const { return layout_.free_pages() * page_bytes_; }
  bool empty() const { return free_bytes() == bytes_; }
  // Netty's: 100 only when nothing is free, 99 when less than 1 % is.
  int usage_percent() const {
    const size_t free = free_bytes();
    if (free == 0) return 100;
    const int free_percent = static_cast<int>(free * 100 / bytes_);
    return free_percent == 0 ? 99 : 100 - free_percent;
  }

  // When it became empty, by the allocator's clock; meaningless otherwise.
  int64_t empty_since_nanos() const { return empty_since_nanos_; }
  void set_empty_since_nanos(int64_t nanos) { empty_since_nanos_ = nanos; }

 private:
  friend class ChunkLists;

  const uint64_t id_;
  char* const base_;
  const size_t bytes_;
  const size_t page_bytes_;
  Arena* const arena_;

  PageRuns layout_;
  int64_t empty_since_nanos_ = 0;

  // Kept by ChunkLists.
  ChunkListId list_ = ChunkListId::kQInit;
  Chunk* next_ = nullptr;
  Chunk* prev_ = nullptr;
};

}  // namespace pool_internal
}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_POOL_CHUNK_H_
