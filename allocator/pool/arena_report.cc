// Arena: what it reports of itself, figures and invariants.
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "poolscope/allocator/base/clock.h"
#include "poolscope/allocator/pool/address_table.h"
#include "poolscope/allocator/pool/arena.h"
#include "poolscope/allocator/pool/slab.h"

namespace poolscope {
namespace pool_internal {
namespace {

int UtilizationRange(int percent) {
  if (percent == 0) return 0;
  if (percent <= 5) return 1;
  if (percent <= 25) return 2;
  if (percent <= 50) return 3;
  if (percent <= 75) return 4;
  return percent < 100 ? 5 : 6;
}

// Blocks of `run` in use, by their states.
uint64_t CountInUse(const RunInfo* run) {
  const uintptr_t base = reinterpret_cast<uintptr_t>(run->base);
  const size_t size = run->block_bytes;
  uint64_t count = 0;
  for (uint32_t i = 0; i < run->elements; ++i) {
    const uintptr_t block = base + i * size;
    count += AddressTable::Find(block)->InUse(block, size) ? 1 : 0;
  }
  return count;
}

}  // namespace

void Arena::CollectChunk(Chunk* chunk, ChunkStats* stats) {
  const size_t page_bytes = env_->options.page_size_bytes;
  stats->id = chunk->id();
  stats->address = reinterpret_cast<uintptr_t>(chunk->base());
  stats->arena = index_;
  stats->list = ChunkLists::ListOf(*chunk);
  stats->usage_percent = chunk->usage_percent();
  stats->size_bytes = chunk->bytes();
  stats->free_bytes = chunk->free_bytes();
  stats->used_bytes = stats->size_bytes - stats->free_bytes;
  if (chunk->empty()) {
    stats->empty_for_seconds =
        1e-9 * (env_->options.clock->NowNanos() - chunk->empty_since_nanos());
  }
  for (size_t offset = 0; offset < chunk->bytes();) {
    if (chunk->layout().IsFree(offset / page_bytes)) {
      offset += page_bytes;
      continue;
    }
    const uintptr_t at = reinterpret_cast<uintptr_t>(chunk->base()) + offset;
    const RunInfo* run = AddressTable::Find(at)->RunAt(at);
    const uint64_t size = run->block_bytes;
    const uint64_t in_use = CountInUse(run);
    const uint64_t not_free = run->elements - FreeCount(run);
    stats->pinned_bytes += in_use * size;
    // The owner may be at work: never below zero.
    if (not_free > in_use) stats->cached_bytes += (not_free - in_use) * size;
    offset += run->pages * page_bytes;
  }
}

void Arena::Collect(ArenaStats* arena, AllocatorStats* totals, Carved* carved,
                    std::vector<ChunkStats>* chunks) {
  arena->index = index_;
  for (int i = 0; i < kChunkListCount; ++i) {
    const ChunkListId id = static_cast<ChunkListId>(i);
    arena->lists[i].list = id;
    arena->lists[i].min_usage_percent = ChunkLists::MinUsagePercent(id);
    arena->lists[i].max_usage_percent = ChunkLists::MaxUsagePercent(id);
  }
  MutexLock lock(&mutex_);
  arena->reserved_bytes = reserved_bytes_;
  arena->used_bytes = UsedLocked();
  arena->cached_bytes += shared_.bytes();
  arena->peak_used_bytes = peak_used_bytes_;
  arena->chunk_allocations = chunk_allocations_;
  arena->chunk_deallocations = chunk_deallocations_;
  totals->chunk_list_moves_next += lists_.moves_next();
  totals->chunk_list_moves_prev += lists_.moves_prev();
  for (int i = 0; i < kMaxSizeClasses; ++i) (*carved)[i] += carved_[i];
  lists_.ForEach([&](Chunk* chunk) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    ChunkListStats& list =
        arena->lists[static_cast<int>(ChunkLists::ListOf(*chunk))];
    ++list.chunks;
    list.free_bytes += chunk->free_bytes();
    if (!chunk->empty()) {
      arena->external_fragmentation_bytes += chunk->free_bytes();
    }
    ++totals->chunks_by_utilization[UtilizationRange(chunk->usage_percent())];
    if (chunks != nullptr) {
      chunks->emplace_back();
      CollectChunk(chunk, &chunks->back());
    }
  });
}

void Arena::AppendRanges(std::vector<PoolRange>* ranges) {
  MutexLock lock(&mutex_);
  lists_.ForEach([&](const Chunk* chunk) {
    const uintptr_t base = reinterpret_cast<uintptr_t>(chunk->base());
    ranges->push_back({base, chunk->bytes(), PoolRange::Use::kChunk, index_});
    for (size_t at = 0; at < chunk->bytes(); at += kSegmentBytes) {
      ranges->push_back(
          MetadataRange(AddressTable::Find(base + at), sizeof(Segment)));
    }
  });
}

std::string Arena::CheckChunkLocked(Chunk* chunk, Carved* carved) {
  const size_t page_bytes = env_->options.page_size_bytes;
  size_t free_pages = 0;
  for (size_t page = 0; page < chunk->bytes() / page_bytes;) {
    const uintptr_t at =
        reinterpret_cast<uintptr_t>(chunk->base()) + page * page_bytes;
    const Segment* segment = AddressTable::Find(at);
    if (segment == nullptr || segment->chunk != chunk) {
      return absl::StrFormat("chunk %d: page %d is not in the address table",
                             chunk->id(), page);
    }
    const PageWord word = segment->WordAt(at);
    if (chunk->layout().IsFree(page)) {
      if (word.bits() != 0) {
        return absl::StrFormat("chunk %d: free page %d has an owner",
                               chunk->id(), page);
      }
      ++free_pages;
      ++page;
      continue;
    }
    const RunInfo* run = const_cast<Segment*>(segment)->RunAt(at);
    if (word.owner() == kNoOwner || word.from_head() != 0 ||
        reinterpret_cast<uintptr_t>(run->base) != at || run->pages == 0 ||
        word.bin_offset() != BinOffset(run->size_class)) {
      return absl::StrFormat("chunk %d: page %d does not begin a run",
                             chunk->id(), page);
    }
    if (word.sampled() != (run->sample != nullptr)) {
      return absl::StrFormat("chunk %d: page %d: sampled without a record",
                             chunk->id(), page);
    }
    if (run->elements > 1 && word.owner() == id) {
      uint32_t bits = 0;
      for (uint64_t free : run->free_bits) bits += __builtin_popcountll(free);
      if (bits != FreeCount(run) || CountInUse(run) + bits != run->elements) {
        return absl::StrFormat(
            "chunk %d: the arena's slab at page %d has %d elements, %d free "
            "bits, a free count of %d and %d in use",
            chunk->id(), page, run->elements, bits, FreeCount(run),
            CountInUse(run));
      }
    }
    (*carved)[run->size_class] += run->elements;
    page += run->pages;
  }
  if (free_pages != chunk->layout().free_pages()) {
    return absl::StrFormat("chunk %d: %d free pages counted as %d", chunk->id(),
                           free_pages, chunk->layout().free_pages());
  }
  if (!lists_.BelongsWhereItIs(*chunk)) {
    return absl::StrFormat("chunk %d: %d bytes free do not belong in list %s",
                           chunk->id(), chunk->free_bytes(),
                           ChunkListName(ChunkLists::ListOf(*chunk)));
  }
  return "";
}

std::string Arena::CheckSharedLocked() {
  std::string problem;
  uint64_t bytes = 0;
  shared_.ForEach([&](const RunInfo* run) {
    const uintptr_t at = reinterpret_cast<uintptr_t>(run->base);
    const Segment* segment = AddressTable::Find(at);
    bytes += run->block_bytes;
    if (segment->WordAt(at).tag() != id ||
        segment->InUse(at, run->block_bytes)) {
      problem = absl::StrFormat("shared block %p is in use or not the arena's",
                                run->base);
    }
  });
  if (bytes != shared_.bytes()) {
    problem = absl::StrFormat("%d bytes shared, counted as %d", bytes,
                              shared_.bytes());
  }
  return problem;
}

std::string Arena::CheckInvariants() {
  std::string problem;
  Carved carved = {};
  uint64_t reserved = 0;
  uint64_t free = 0;
  uint64_t chunks = 0;
  uint64_t empty = 0;
  MutexLock lock(&mutex_);
  lists_.ForEach([&](Chunk* chunk) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    ++chunks;
    reserved += chunk->bytes();
    free += chunk->free_bytes();
    empty += chunk->empty() ? 1 : 0;
    if (problem.empty()) problem = CheckChunkLocked(chunk, &carved);
  });
  if (problem.empty()) problem = CheckSharedLocked();
  if (!problem.empty()) return absl::StrFormat("arena %d: %s", index_, problem);
  if (reserved != reserved_bytes_ || free != free_bytes_) {
    return absl::StrFormat(
        "arena %d: %d bytes in chunks, %d free, counted as %d and %d", index_,
        reserved, free, reserved_bytes_, free_bytes_);
  }
  if (chunks != chunk_allocations_ - chunk_deallocations_ ||
      empty != empty_chunks_) {
    return absl::StrFormat(
        "arena %d: %d chunks, %d empty, counted as %d created, %d destroyed, "
        "%d empty",
        index_, chunks, empty, chunk_allocations_, chunk_deallocations_,
        empty_chunks_);
  }
  if (carved != carved_) {
    return absl::StrFormat("arena %d: carved blocks miscounted", index_);
  }
  return "";
}

}  // namespace pool_internal
}  // namespace poolscope
