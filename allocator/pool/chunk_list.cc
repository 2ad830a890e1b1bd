#include "poolscope/allocator/pool/chunk_list.h"

#include <algorithm>

namespace poolscope {
namespace pool_internal {
namespace {

constexpr int kUnbounded = -1;

struct UsageBounds {
  int min;
  int max;
};

constexpr std::array<UsageBounds, kChunkListCount> kBounds = {{
    {kUnbounded, 25},
    {1, 50},
    {25, 75},
    {50, 100},
    {75, 100},
    {100, kUnbounded},
}};

constexpr ChunkListId kSearchOrder[] = {ChunkListId::kQ050, ChunkListId::kQ025,
                                        ChunkListId::kQ000, ChunkListId::kQInit,
                                        ChunkListId::kQ075};

// Free bytes of a chunk that is `percent` used, as Netty rounds them.
size_t Threshold(size_t chunk_bytes, int percent) {
  if (percent == 100) return 0;
  return static_cast<size_t>(static_cast<double>(chunk_bytes) *
                             (100.0 - percent + 0.99999999) / 100.0);
}

ChunkListId Next(ChunkListId id) {
  return static_cast<ChunkListId>(static_cast<int>(id) + 1);
}
ChunkListId Prev(ChunkListId id) {
  return static_cast<ChunkListId>(static_cast<int>(id) - 1);
}

}  // namespace

ChunkLists::ChunkLists(size_t chunk_bytes) {
  for (int i = 0; i < kChunkListCount; ++i) {
    const UsageBounds bounds = kBounds[i];
    lists_[i].up = bounds.max == kUnbounded
                       ? 0  // q100 has no next list; see Settle()
                       : Threshold(chunk_bytes, bounds.max);
    // qInit never gives a chunk to a previous list, and q000's would be the
    // end of it, which the arena's decay decides.
    lists_[i].down = i <= static_cast<int>(ChunkListId::kQ000)
                         ? chunk_bytes
                         : Threshold(chunk_bytes, bounds.min);
  }
}

int ChunkLists::MinUsagePercent(ChunkListId list) {
  return std::max(1, kBounds[static_cast<int>(list)].min);
}

int ChunkLists::MaxUsagePercent(ChunkListId list) {
  const int max = kBounds[static_cast<int>(list)].max;
  return max == kUnbounded ? 100 : max;
}

void ChunkLists::Link(Chunk* chunk, ChunkListId id) {
  List& list = at(id);
  chunk->list_ = id;
  chunk->prev_ = nullptr;
  chunk->next_ = list.head;
  if (list.head != nullptr) list.head->prev_ = chunk;
  list.head = chunk;
  list.longest_bound =
      std::max(list.longest_bound, chunk->layout().longest_free_bound());
}

void ChunkLists::Unlink(Chunk* chunk) {
  if (chunk->next_ != nullptr) chunk->next_->prev_ = chunk->prev_;
  if (chunk->prev_ != nullptr) {
    chunk->prev_->next_ = chunk->next_;
  } else {
    at(chunk->list_).head = chunk->next_;
  }
  chunk->next_ = chunk->prev_ = nullptr;
}

bool ChunkLists::BelongsWhereItIs(const Chunk& chunk) const {
  const List& list = lists_[static_cast<int>(chunk.list_)];
  const size_t free = chunk.free_bytes();
  if (chunk.list_ != ChunkListId::kQ100 && free <= list.up) return false;
  return free <= list.down;
}

void ChunkLists::Settle(Chunk* chunk) {
  const size_t free = chunk->free_bytes();
  ChunkListId to = chunk->list_;
  while (to != ChunkListId::kQ100 && free <= at(to).up) {
    to = Next(to);
    ++moves_next_;
  }
  while (free > at(to).down) {
    to = Prev(to);
    ++moves_prev_;
  }
  if (to == chunk->list_) return;
  Unlink(chunk);
  Link(chunk, to);
}

void ChunkLists::Add(Chunk* chunk) {
  Link(chunk, ChunkListId::kQInit);
  Settle(chunk);
}

void ChunkLists::Remove(Chunk* chunk) { Unlink(chunk); }

Chunk* ChunkLists::AllocateRun(uint32_t pages, uint32_t alignment,
                               int64_t* offset) {
  for (ChunkListId id : kSearchOrder) {
    List& list = at(id);
    if (list.longest_bound < pages) continue;
    uint32_t longest = 0;
    for (Chunk* chunk = list.head; chunk != nullptr; chunk = chunk->next_) {
      *offset = chunk->layout().AllocateRun(pages, alignment);
      if (*offset != PageLayout::kNone) {
        Settle(chunk);
        return chunk;
      }
      longest = std::max(longest, chunk->layout().longest_free_bound());
    }
    list.longest_bound = longest;
  }
  return nullptr;
}

void ChunkLists::FreeRun(Chunk* chunk, uint32_t offset, uint32_t pages) {
  chunk->layout().FreeRun(offset, pages);
  List& list = at(chunk->list_);
  list.longest_bound =
      std::max(list.longest_bound, chunk->layout().longest_free_bound());
  Settle(chunk);
}

}  // namespace pool_internal
}  // namespace poolscope
