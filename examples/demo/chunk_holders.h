// What keeps chunks mapped that are hardly used: a chunk goes back to the
// system when its last block does, in a user's hands or in a thread's cache.
//
//   usage 0       empty: waits for its decay
//   1 to 25 %     low use; held by  pinned   blocks in users' hands
//                                   cached   blocks in thread caches
//                                   both
//                                   slabs    neither, but pages of a slab that
//                                            its thread keeps
//
// Pure functions of plain values.
#ifndef POOLSCOPE_EXAMPLES_DEMO_CHUNK_HOLDERS_H_
#define POOLSCOPE_EXAMPLES_DEMO_CHUNK_HOLDERS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "poolscope/allocator/pool/allocator_stats.h"

namespace poolscope::demo {

inline constexpr int kLowUsePercent = 25;

struct ChunkHolders {
  uint64_t chunks = 0;  // all
  uint64_t empty = 0;
  std::vector<ChunkStats> low_use;  // the least used first

  // Of those at low use, by what holds them.
  uint64_t held_by_pinned = 0;
  uint64_t held_by_cached = 0;
  uint64_t held_by_both = 0;
  uint64_t held_by_slabs = 0;
  uint64_t mapped_bytes = 0;
  uint64_t pinned_bytes = 0;
  uint64_t cached_bytes = 0;
};

// `stats` taken with their chunks.
ChunkHolders FindChunkHolders(const AllocatorStats& stats);

// The function that asked for the block with this sample id, empty when that is
// not known.
using BlockCallSite = absl::FunctionRef<std::string(uint64_t id)>;

// The figures above as lines, and the first `max_chunks` at low use, a line
// each.
std::string ChunkHoldersText(const ChunkHolders& holders, size_t max_chunks,
                             BlockCallSite call_site);

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_CHUNK_HOLDERS_H_
