// Chunk: one mapping of page << max_order bytes (4 MiB), cut into runs of pages
// by a PageLayout.
//
//   states of a chunk          in list          memory
//   in use                     qInit..q100      mapped
//   empty, waiting for decay   qInit or q000    mapped, nothing handed out
//   unmapped                   none             gone
//
// Belongs to one arena from creation to end and sits in exactly one of its
// chunk lists. The object itself lives in the metadata allocator, its layout's
// table behind it.
//
// Thread safety: thread-compatible, under the arena's lock; what is constant
// after construction may be read at any time.
#ifndef POOLSCOPE_ALLOCATOR_POOL_CHUNK_H_
#define POOLSCOPE_ALLOCATOR_POOL_CHUNK_H_

#include <cstddef>
#include <cstdint>
#include <variant>

#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/allocator/pool/buddy_tree.h"
#include "poolscope/allocator/pool/page_layout.h"
#include "poolscope/allocator/pool/page_runs.h"
#include "poolscope/allocator/pool/pool_options.h"

namespace poolscope {
namespace pool_internal {

class Arena;

class Chunk {
 public:
  // Bytes that the constructor's `table` must point to, zeroed.
  static size_t TableBytes(ChunkLayout layout, uint32_t pages) {
    return layout == ChunkLayout::kBuddy ? BuddyTree::TableBytes(pages)
                                         : PageRuns::BitsBytes(pages);
  }

  // `table` is aligned to 8 and must outlive this.
  Chunk(uint64_t id, char* base, size_t bytes, size_t page_bytes, Arena* arena,
        ChunkLayout layout, void* table)
      : id_(id),
        base_(base),
        bytes_(bytes),
        page_bytes_(page_bytes),
        arena_(arena),
        layout_(MakeLayout(layout, bytes / page_bytes, table)) {}
  Chunk(const Chunk&) = delete;
  Chunk& operator=(const Chunk&) = delete;

  uint64_t id() const { return id_; }
  char* base() const { return base_; }
  size_t bytes() const { return bytes_; }
  Arena* arena() const { return arena_; }

  PageLayout& layout() { return *layout_; }
  const PageLayout& layout() const { return *layout_; }

  size_t free_bytes() const { return layout_->free_pages() * page_bytes_; }
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

  PageLayout* MakeLayout(ChunkLayout layout, uint32_t pages, void* table) {
    if (layout == ChunkLayout::kBuddy) {
      return &either_layout_.emplace<BuddyTree>(pages,
                                                static_cast<uint8_t*>(table));
    }
    return &either_layout_.emplace<PageRuns>(pages,
                                             static_cast<uint64_t*>(table));
  }

  const uint64_t id_;
  char* const base_;
  const size_t bytes_;
  const size_t page_bytes_;
  Arena* const arena_;

  std::variant<std::monostate, PageRuns, BuddyTree> either_layout_;
  PageLayout* const layout_;  // the one in either_layout_
  int64_t empty_since_nanos_ = 0;

  // Kept by ChunkLists.
  ChunkListId list_ = ChunkListId::kQInit;
  Chunk* next_ = nullptr;
  Chunk* prev_ = nullptr;
};

}  // namespace pool_internal
}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_POOL_CHUNK_H_
