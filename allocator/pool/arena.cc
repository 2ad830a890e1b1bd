#include "poolscope/allocator/pool/arena.h"

#include <algorithm>
#include <new>

#include "absl/strings/str_format.h"
#include "poolscope/allocator/base/clock.h"
#include "poolscope/allocator/base/fatal.h"
#include "poolscope/allocator/pool/address_table.h"
#include "poolscope/allocator/pool/slab.h"

namespace poolscope {
namespace pool_internal {
namespace {

// Frees of runs between two looks at the clock for empty chunks.
constexpr uint32_t kReapInterval = 64;

// Chunk ids, process-wide. Relaxed: only uniqueness matters.
std::atomic<uint64_t> next_chunk_id{1};

Segment* SegmentOf(const RunInfo* run) {
  return AddressTable::Find(reinterpret_cast<uintptr_t>(run->base));
}

// A chunk object, and behind it its layout's bits.
size_t ChunkObjectBytes(size_t pages) {
  return sizeof(Chunk) + PageRuns::BitsBytes(pages);
}

size_t SegmentsIn(size_t bytes) {
  return (bytes + kSegmentBytes - 1) / kSegmentBytes;
}

int UtilizationRange(int percent) {
  if (percent == 0) return 0;
  if (percent <= 5) return 1;
  if (percent <= 25) return 2;
  if (percent <= 50) return 3;
  if (percent <= 75) return 4;
  return percent < 100 ? 5 : 6;
}

// Blocks of `run` in use, by their state bits.
uint64_t CountInUse(const RunInfo* run, size_t page_bytes) {
  const uintptr_t base = reinterpret_cast<uintptr_t>(run->base);
  if (run->elements == 1) return SegmentOf(run)->InUse(base) ? 1 : 0;
  uint64_t count = 0;
  const size_t bytes = run->pages * page_bytes;
  for (size_t at = 0; at < bytes; at += 64) {
    const Segment* segment = AddressTable::Find(base + at);
    count += __builtin_popcount(
        segment->states[BlockState::ByteIndex(base + at)].load(
            std::memory_order_relaxed));
  }
  return count;
}

}  // namespace

Arena::Arena(PoolEnv* env, int index)
    : env_(env), index_(index), lists_(env->options.chunk_size_bytes()) {
  is_arena = true;
}

Arena::~Arena() {
  Chunk* reaped = nullptr;
  {
    MutexLock lock(&mutex_);
    lists_.ForEach([&](Chunk* chunk) ABSL_NO_THREAD_SAFETY_ANALYSIS {
      DetachLocked(chunk, &reaped);
    });
  }
  Unmap(reaped);
}

bool Arena::CreateChunkLocked(Refusal* refusal) {
  const size_t bytes = env_->options.chunk_size_bytes();
  const size_t page_bytes = env_->options.page_size_bytes;
  const size_t pages = bytes / page_bytes;
  if (!env_->limit.Reserve(bytes)) {
    *refusal = Refusal::kLimit;
    return false;
  }
  *refusal = Refusal::kMapping;
  void* object = env_->metadata.Allocate(ChunkObjectBytes(pages));
  if (object == nullptr) {
    env_->limit.Release(bytes);
    return false;
  }
  char* base = static_cast<char*>(env_->options.memory_source->Map(
      bytes, std::max(bytes, kSegmentBytes), MemorySource::Use::kBlocks));
  if (base == nullptr) {
    env_->metadata.Free(object, ChunkObjectBytes(pages));
    env_->limit.Release(bytes);
    return false;
  }
  Chunk* chunk = new (object) Chunk(
      next_chunk_id.fetch_add(1, std::memory_order_relaxed), base, bytes,
      page_bytes, this,
      reinterpret_cast<uint64_t*>(static_cast<char*>(object) + sizeof(Chunk)));
  const uintptr_t address = reinterpret_cast<uintptr_t>(base);
  bool ok = true;
  for (size_t i = 0; ok && i < SegmentsIn(bytes); ++i) {
    const uintptr_t at = address + i * kSegmentBytes;
    Segment* segment = env_->NewSegment();
    ok = segment != nullptr;
    if (!ok) break;
    segment->core = env_->core;
    segment->chunk = chunk;
    segment->base = address;
    ok = AddressTable::Enter(at, std::min(bytes, kSegmentBytes), segment,
                             MemorySource::System());
    if (!ok) env_->FreeSegment(segment);
  }
  if (!ok) {
    FreeChunkObject(chunk);
    return false;
  }
  reserved_bytes_ += bytes;
  free_bytes_ += bytes;
  ++chunk_allocations_;
  ++empty_chunks_;
  chunk->set_empty_since_nanos(env_->options.clock->NowNanos());
  lists_.Add(chunk);
  *refusal = Refusal::kNone;
  return true;
}

void Arena::FreeChunkObject(Chunk* chunk) {
  const size_t bytes = chunk->bytes();
  char* base = chunk->base();
  const uintptr_t address = reinterpret_cast<uintptr_t>(base);
  for (size_t i = 0; i < SegmentsIn(bytes); ++i) {
    const uintptr_t at = address + i * kSegmentBytes;
    Segment* segment = AddressTable::Find(at);
    if (segment == nullptr) continue;
    AddressTable::Remove(at, std::min(bytes, kSegmentBytes));
    env_->FreeSegment(segment);
  }
  chunk->~Chunk();
  env_->metadata.Free(chunk,
                      ChunkObjectBytes(bytes / env_->options.page_size_bytes));
  env_->options.memory_source->Unmap(base, bytes);
  env_->limit.Release(bytes);
}

void Arena::DetachLocked(Chunk* chunk, Chunk** reaped) {
  lists_.Remove(chunk);
  reserved_bytes_ -= chunk->bytes();
  free_bytes_ -= chunk->free_bytes();
  if (chunk->empty()) --empty_chunks_;
  ++chunk_deallocations_;
  ChunkLists::Push(reaped, chunk);
}

void Arena::Unmap(Chunk* reaped) {
  while (Chunk* chunk = ChunkLists::Pop(&reaped)) FreeChunkObject(chunk);
}

void Arena::ReapLocked(bool all, Chunk** reaped) {
  if (empty_chunks_ == 0) return;
  const int64_t decayed =
      env_->options.clock->NowNanos() -
      absl::ToInt64Nanoseconds(env_->options.empty_chunk_decay);
  lists_.ForEach([&](Chunk* chunk) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    if (chunk->empty() && (all || chunk->empty_since_nanos() <= decayed)) {
      DetachLocked(chunk, reaped);
    }
  });
}

void Arena::SetWords(RunInfo* run, OwnerId owner, bool sampled) {
  const uintptr_t base = reinterpret_cast<uintptr_t>(run->base);
  const uint32_t offset = BinOffset(run->size_class);
  // A block of its own may be freed by its first address only.
  const size_t granules =
      run->elements == 1
          ? 1
          : run->pages * env_->options.page_size_bytes >> kGranuleShift;
  for (size_t i = 0; i < granules; ++i) {
    const uintptr_t at = base + (i << kGranuleShift);
    AddressTable::Find(at)->SetWordAt(
        at, PageWord::Make(owner, sampled, offset, i));
  }
}

RunInfo* Arena::NewRunLocked(int size_class, uint32_t pages, uint32_t alignment,
                             uint32_t elements, OwnerId owner,
                             bool existing_only, Refusal* refusal) {
  *refusal = Refusal::kNone;
  int64_t offset = PageLayout::kNone;
  Chunk* chunk = lists_.AllocateRun(pages, alignment, &offset);
  if (chunk == nullptr) {
    *refusal = Refusal::kLimit;
    if (existing_only || !CreateChunkLocked(refusal)) return nullptr;
    chunk = lists_.AllocateRun(pages, alignment, &offset);
    if (chunk == nullptr) {
      Fatal("a new chunk of %zu bytes cannot serve a run of %u pages",
            env_->options.chunk_size_bytes(), pages);
    }
  }
  const size_t bytes = pages * env_->options.page_size_bytes;
  if (chunk->free_bytes() + bytes == chunk->bytes()) --empty_chunks_;
  free_bytes_ -= bytes;
  peak_used_bytes_ = std::max(peak_used_bytes_, UsedLocked());
  carved_[size_class] += elements;

  char* base = chunk->base() + offset * env_->options.page_size_bytes;
  const uintptr_t address = reinterpret_cast<uintptr_t>(base);
  RunInfo* run = AddressTable::Find(address)->RunAt(address);
  run->base = base;
  run->pages = pages;
  run->size_class = size_class;
  run->sample = nullptr;
  run->next = run->prev = nullptr;
  run->elements = elements;
  if (elements == 1) {
    SetFreeCount(run, 0);
  } else {
    InitSlab(run, elements);
  }
  SetWords(run, owner, /*sampled=*/false);
  return run;
}

void Arena::FreeRunLocked(RunInfo* run, Chunk** reaped) {
  const uintptr_t base = reinterpret_cast<uintptr_t>(run->base);
  const size_t page_bytes = env_->options.page_size_bytes;
  const size_t bytes = run->pages * page_bytes;
  const size_t granules = run->elements == 1 ? 1 : bytes >> kGranuleShift;
  for (size_t i = 0; i < granules; ++i) {
    const uintptr_t at = base + (i << kGranuleShift);
    AddressTable::Find(at)->SetWordAt(at, PageWord());
  }
  Chunk* chunk = SegmentOf(run)->chunk;
  carved_[run->size_class] -= run->elements;
  free_bytes_ += bytes;
  lists_.FreeRun(chunk, (run->base - chunk->base()) / page_bytes, run->pages);
  if (chunk->empty()) {
    ++empty_chunks_;
    chunk->set_empty_since_nanos(env_->options.clock->NowNanos());
    if (env_->options.empty_chunk_decay == absl::ZeroDuration()) {
      DetachLocked(chunk, reaped);
      return;
    }
  }
  if (++frees_since_reap_ >= kReapInterval) {
    frees_since_reap_ = 0;
    ReapLocked(/*all=*/false, reaped);
  }
}

RunInfo* Arena::TakeSlab(int size_class, OwnerId owner, Refusal* refusal) {
  MutexLock lock(&mutex_);
  if (RunInfo* orphan = orphans_[size_class]; orphan != nullptr) {
    UnlinkOrphan(orphan);
    SetWords(orphan, owner, /*sampled=*/false);
    *refusal = Refusal::kNone;
    return orphan;
  }
  return NewRunLocked(size_class, env_->layout.run_pages(size_class), 1,
                      env_->layout.run_elements(size_class), owner,
                      /*existing_only=*/false, refusal);
}

int Arena::TakeBlocks(int size_class, OwnerId owner, int want,
                      uintptr_t* blocks, Refusal* refusal) {
  MutexLock lock(&mutex_);
  int taken = 0;
  while (taken < want) {
    // A chunk may be created for the first block, which somebody waits for, but
    // not for those that would only be kept.
    RunInfo* run =
        NewRunLocked(size_class, env_->layout.run_pages(size_class), 1, 1,
                     owner, /*existing_only=*/taken > 0, refusal);
    if (run == nullptr) break;
    blocks[taken++] = reinterpret_cast<uintptr_t>(run->base);
  }
  return taken;
}

void Arena::ReturnSlab(RunInfo* slab) {
  Chunk* reaped = nullptr;
  {
    MutexLock lock(&mutex_);
    FreeRunLocked(slab, &reaped);
  }
  Unmap(reaped);
}

void Arena::ReturnBlocks(const uintptr_t* blocks, int count) {
  Chunk* reaped = nullptr;
  {
    MutexLock lock(&mutex_);
    for (int i = 0; i < count; ++i) {
      FreeRunLocked(AddressTable::Find(blocks[i])->RunAt(blocks[i]), &reaped);
    }
  }
  Unmap(reaped);
}

void Arena::LinkOrphan(RunInfo* slab) {
  LinkRun(&orphans_[slab->size_class], slab);
}

void Arena::UnlinkOrphan(RunInfo* slab) {
  UnlinkRun(&orphans_[slab->size_class], slab);
}

void Arena::OrphanLocked(RunInfo* slab, Chunk** reaped) {
  slab->next = slab->prev = nullptr;
  const uint32_t free = FreeCount(slab);
  if (free == slab->elements) {
    FreeRunLocked(slab, reaped);
    return;
  }
  SetWords(slab, id, /*sampled=*/false);
  if (free > 0) LinkOrphan(slab);
}

void* Arena::AllocateDirect(int size_class, uint32_t page_alignment,
                            size_t requested_bytes, bool existing_only,
                            Refusal* refusal) {
  uintptr_t block = 0;
  MutexLock lock(&mutex_);
  if (page_alignment == 1 && env_->layout.is_slab(size_class)) {
    RunInfo* slab = orphans_[size_class];
    if (slab == nullptr) {
      slab = NewRunLocked(size_class, env_->layout.run_pages(size_class), 1,
                          env_->layout.run_elements(size_class), id,
                          existing_only, refusal);
      if (slab == nullptr) return nullptr;
      if (slab->elements > 1) LinkOrphan(slab);
    }
    *refusal = Refusal::kNone;
    if (slab->elements == 1) {
      block = reinterpret_cast<uintptr_t>(slab->base);
    } else {
      TakeElements(slab, 1, &block);
      if (FreeCount(slab) == 0) UnlinkOrphan(slab);
    }
  } else {
    const size_t page_bytes = env_->options.page_size_bytes;
    const size_t pages =
        (kSizeClasses.size[size_class] + page_bytes - 1) / page_bytes;
    RunInfo* run = NewRunLocked(size_class, pages, page_alignment, 1, id,
                                existing_only, refusal);
    if (run == nullptr) return nullptr;
    block = reinterpret_cast<uintptr_t>(run->base);
  }
  AddressTable::Find(block)->SetInUse(block);
  counters_.allocations[size_class].Add(1);
  counters_.requested_bytes.Add(requested_bytes);
  return reinterpret_cast<void*>(block);
}

void* Arena::AllocateSampled(int size_class, SampleRecord* record,
                             Refusal* refusal) {
  const size_t page_bytes = env_->options.page_size_bytes;
  const size_t pages =
      (kSizeClasses.size[size_class] + page_bytes - 1) / page_bytes;
  MutexLock lock(&mutex_);
  RunInfo* run = NewRunLocked(size_class, pages, 1, 1, id,
                              /*existing_only=*/false, refusal);
  if (run == nullptr) return nullptr;
  run->sample = record;
  SetWords(run, id, /*sampled=*/true);
  const uintptr_t block = reinterpret_cast<uintptr_t>(run->base);
  AddressTable::Find(block)->SetInUse(block);
  return run->base;
}

Arena::FreeResult Arena::FreeDirect(uintptr_t address, bool count) {
  SampleRecord* sample = nullptr;
  Chunk* reaped = nullptr;
  {
    MutexLock lock(&mutex_);
    Segment* segment = AddressTable::Find(address);
    const PageWord word = segment->WordAt(address);
    if (word.owner() == kNoOwner) {
      Fatal("free of %p, which is not the start of a block in use",
            reinterpret_cast<void*>(address));
    }
    RunInfo* run = RunOf(address, word);
    // A run that is one block has no bookkeeping at its owner, so the arena may
    // take it back from anyone; a slab only when the arena owns it.
    if (run->elements > 1 && word.owner() != id) {
      return FreeResult::kOwnedByCache;
    }
    if (!segment->ClearInUse(address)) {
      Fatal(
          "free of %p (class %zu), which is not in use: freed twice, or not "
          "the start of a block",
          reinterpret_cast<void*>(address), kSizeClasses.size[run->size_class]);
    }
    const int size_class = run->size_class;
    if (run->elements == 1) {
      sample = run->sample;
      FreeRunLocked(run, &reaped);
    } else {
      const uint32_t before = PutElement(run, address);
      if (before == 0) LinkOrphan(run);
      if (before + 1 == run->elements) {
        UnlinkOrphan(run);
        FreeRunLocked(run, &reaped);
      }
    }
    if (count) {
      counters_.frees[size_class].Add(1);
    } else {
      counters_.drained_bytes.Add(kSizeClasses.size[size_class]);
    }
  }
  if (sample != nullptr) env_->sampler.Remove(sample);
  Unmap(reaped);
  return FreeResult::kFreed;
}

void Arena::CountFree(int size_class) {
  MutexLock lock(&mutex_);
  counters_.frees[size_class].Add(1);
}

void Arena::CountHugeAllocation(size_t bytes, size_t requested_bytes) {
  MutexLock lock(&mutex_);
  counters_.huge_allocations.Add(1);
  counters_.huge_allocated_bytes.Add(bytes);
  counters_.requested_bytes.Add(requested_bytes);
}

void Arena::CountHugeFree(size_t bytes) {
  MutexLock lock(&mutex_);
  counters_.huge_frees.Add(1);
  counters_.huge_freed_bytes.Add(bytes);
}

void Arena::ReleaseEmptyChunks(bool all, uint64_t* chunks, uint64_t* bytes) {
  Chunk* reaped = nullptr;
  {
    MutexLock lock(&mutex_);
    ReapLocked(all, &reaped);
  }
  while (Chunk* chunk = ChunkLists::Pop(&reaped)) {
    ++*chunks;
    *bytes += chunk->bytes();
    FreeChunkObject(chunk);
  }
}

uint64_t Arena::PurgeFreePages() {
  uint64_t purged = 0;
  const size_t page_bytes = env_->options.page_size_bytes;
  MutexLock lock(&mutex_);
  lists_.ForEach([&](Chunk* chunk) {
    for (PageRun run = chunk->layout().NextDirty(0); run.pages > 0;
         run = chunk->layout().NextDirty(run.offset + run.pages)) {
      const size_t bytes = run.pages * page_bytes;
      if (!env_->options.memory_source->Purge(
              chunk->base() + run.offset * page_bytes, bytes)) {
        continue;
      }
      chunk->layout().MarkClean(run);
      purged += bytes;
    }
  });
  return purged;
}

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
    const uint64_t size = kSizeClasses.size[run->size_class];
    const uint64_t in_use = CountInUse(run, page_bytes);
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
      if (bits != FreeCount(run) ||
          CountInUse(run, page_bytes) + bits != run->elements) {
        return absl::StrFormat(
            "chunk %d: the arena's slab at page %d has %d elements, %d free "
            "bits, a free count of %d and %d in use",
            chunk->id(), page, run->elements, bits, FreeCount(run),
            CountInUse(run, page_bytes));
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
