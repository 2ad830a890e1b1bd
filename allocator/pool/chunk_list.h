// ChunkLists: an arena's chunks, kept by how full they are.
//
//            up: free <= up -> next list         down: free > down -> previous
//   qInit ---> q000 <---> q025 <---> q050 <---> q075 <---> q100
//   [MIN,25)  [1,50)     [25,75)    [50,100)   [75,100)   [100]
//
// A new chunk enters through qInit. A search tries q050, q025, q000, qInit,
// q075: fuller chunks first, so that emptier ones drain and can be given back,
// but the nearly full ones last, where it would rarely succeed. Bounds, order
// and the integer arithmetic of the thresholds are Netty's (PoolChunkList).
//
// Unlike Netty's, an empty chunk is not destroyed by the list: it waits in
// q000 or qInit until the arena's decay unmaps it, and serves again meanwhile.
//
// Thread safety: thread-compatible, under the arena's lock.
#ifndef POOLSCOPE_ALLOCATOR_POOL_CHUNK_LIST_H_
#define POOLSCOPE_ALLOCATOR_POOL_CHUNK_LIST_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/allocator/pool/chunk.h"

namespace poolscope {
namespace pool_internal {

class ChunkLists {
 public:
  explicit ChunkLists(size_t chunk_bytes);

  // Puts a new chunk where its free bytes belong, starting at qInit.
  void Add(Chunk* chunk);
  void Remove(Chunk* chunk);

  // Takes a run from the first chunk in search order that has one. Null when
  // none has; else *offset is in pages.
  Chunk* AllocateRun(uint32_t pages, uint32_t alignment, int64_t* offset);

  // Gives a run back to its chunk, and moves the chunk.
  void FreeRun(Chunk* chunk, uint32_t offset, uint32_t pages);

  // Calls f(Chunk*) for each chunk, in list order; f may remove the chunk.
  template <typename F>
  void ForEach(F&& f) const {
    for (const List& list : lists_) {
      for (Chunk* chunk = list.head; chunk != nullptr;) {
        Chunk* next = chunk->next_;
        f(chunk);
        chunk = next;
      }
    }
  }

  // A stack of chunks that are in no list, linked like a list.
  static void Push(Chunk** stack, Chunk* chunk) {
    chunk->next_ = *stack;
    *stack = chunk;
  }
  static Chunk* Pop(Chunk** stack) {
    Chunk* chunk = *stack;
    if (chunk != nullptr) *stack = chunk->next_;
    return chunk;
  }

  static ChunkListId ListOf(const Chunk& chunk) { return chunk.list_; }

  // Whether a chunk may stay in the list it is in, for invariants.
  bool BelongsWhereItIs(const Chunk& chunk) const;

  // Netty's reported bounds: at least 1 %, at most 100 %.
  static int MinUsagePercent(ChunkListId list);
  static int MaxUsagePercent(ChunkListId list);

  uint64_t moves_next() const { return moves_next_; }
  uint64_t moves_prev() const { return moves_prev_; }

 private:
  struct List {
    Chunk* head = nullptr;
    size_t up = 0;    // at or below this many free bytes: to the next list
    size_t down = 0;  // above this many: to the previous
    // No member has a longer free run; may be too high, never too low.
    uint32_t longest_bound = 0;
  };

  List& at(ChunkListId id) { return lists_[static_cast<int>(id)]; }
  void Link(Chunk* chunk, ChunkListId id);
  void Unlink(Chunk* chunk);
  void Settle(Chunk* chunk);

  std::array<List, kChunkListCount> lists_;
  uint64_t moves_next_ = 0;
  uint64_t moves_prev_ = 0;
};

}  // namespace pool_internal
}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_POOL_CHUNK_LIST_H_
