// BuddyTree: a chunk's pages as a binary tree of buddies.
//
// `memory_map` is a heap of bytes: node 1 is the chunk, nodes 2n and 2n + 1 are
// the halves of node n, the leaves are pages. A node's byte is the depth of the
// shallowest free node in its subtree; max_order + 1 says that there is none.
// A chunk of 8 pages (max_order 3):
//
//   depth                                  empty, and with [0, 4) and [6] taken
//     0    1                               0             2
//     1    2       3                       1   1         X   2
//     2    4   5   6   7                   2 2 2 2       2 2 2 3
//     3    8 9 ...         15              33333333      333333X3      X = 4
//
//   byte == depth of its node    wholly free
//   byte >  depth                a part of it is free, at that depth
//   byte == max_order + 1        taken, or both halves are
//
// A run is one node. Taking it writes its own byte and those of the nodes above
// it, freeing it too; what lies below a taken node keeps the bytes of a free
// one, since the way down from the root never gets there.
//
// AllocateRun() goes down to the lowest free node of the size, left before
// right: one step a level. Runs are powers of two of pages, at multiples of
// their length. For an alignment beyond that it looks for a wholly free node of
// the alignment's size and takes the beginning of it; a fitting page whose
// neighbours are partly taken is not found.
//
// The design is that of Netty's PoolChunk before 4.1.52; it keeps a table for a
// node's depth, which here is one instruction.
//
// Thread safety: thread-compatible, under the arena's lock.
#ifndef POOLSCOPE_ALLOCATOR_POOL_BUDDY_TREE_H_
#define POOLSCOPE_ALLOCATOR_POOL_BUDDY_TREE_H_

#include <cstddef>
#include <cstdint>

#include "poolscope/allocator/pool/page_layout.h"

namespace poolscope {
namespace pool_internal {

class BuddyTree final : public PageLayout {
 public:
  // Bytes that the constructor's `memory` must point to, zeroed.
  static size_t TableBytes(uint32_t pages);

  // All pages free and clean. `pages` is a power of two of at most 2^14.
  // `memory` must outlive this.
  BuddyTree(uint32_t pages, uint8_t* memory);

  // `pages` is a power of two, as every class of this layout is.
  int64_t AllocateRun(uint32_t pages, uint32_t alignment) override;
  void FreeRun(uint32_t offset, uint32_t pages) override;
  // Exact.
  uint32_t longest_free_bound() const override;
  PageRun NextDirty(uint32_t from) const override;
  void MarkClean(PageRun run) override;
  bool IsFree(uint32_t page) const override;

  // A node's byte, 1 <= node < 2 * pages.
  int memory_map(uint32_t node) const { return map_[node]; }

 private:
  int Unusable() const { return max_order_ + 1; }
  // Makes the bytes of the nodes above `node` those of their halves again.
  void UpdateAbove(uint32_t node);

  const uint32_t pages_;
  const int max_order_;
  uint8_t* const map_;    // 2 * pages_, the first one unused
  uint8_t* const dirty_;  // a byte a page
};

}  // namespace pool_internal
}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_POOL_BUDDY_TREE_H_
