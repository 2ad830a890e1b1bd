#include "poolscope/allocator/pool/arena.h"

#include <algorithm>
#include <new>

#include "absl/strings/str_format.h"
#include "poolscope/allocator/base/clock.h"
#include "poolscope/allocator/base/fatal.h"
#include "poolscope/allocator/pool/address_table.h"
#include "poolscope/allocator/pool/bin_hints.h"
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

// A chunk object, and behind it its layout's table.
size_t ChunkObjectBytes(const PoolOptions& options) {
  return sizeof(Chunk) +
         Chunk::TableBytes(options.layout, uint32_t{1} << options.max_order);
}

size_t SegmentsIn(size_t bytes) {
  return (bytes + kSegmentBytes - 1) / kSegmentBytes;
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
  if (!env_->limit.Reserve(bytes)) {
    *refusal = Refusal::kLimit;
    return false;
  }
  *refusal = Refusal::kMapping;
  void* object = env_->metadata.Allocate(ChunkObjectBytes(env_->options));
  if (object == nullptr) {
    env_->limit.Release(bytes);
    return false;
  }
  char* base = static_cast<char*>(env_->options.memory_source->Map(
      bytes, std::max(bytes, kSegmentBytes), MemorySource::Use::kBlocks));
  if (base == nullptr) {
    env_->metadata.Free(object, ChunkObjectBytes(env_->options));
    env_->limit.Release(bytes);
    return false;
  }
  Chunk* chunk =
      new (object) Chunk(next_chunk_id.fetch_add(1, std::memory_order_relaxed),
                         base, bytes, page_bytes, this, env_->options.layout,
                         static_cast<char*>(object) + sizeof(Chunk));
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
    AddressTable::Enter(at, std::min(bytes, kSegmentBytes), segment);
  }
  if (!ok) {
    FreeChunkObject(chunk);
    return false;
  }
  reserved_bytes_ += bytes;
  free_bytes_ += bytes;
  ++chunk_allocations_;
  chunks_created_.Add(1);
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
  env_->metadata.Free(chunk, ChunkObjectBytes(env_->options));
  env_->options.memory_source->Unmap(base, bytes);
  env_->limit.Release(bytes);
}

void Arena::DetachLocked(Chunk* chunk, Chunk** reaped) {
  lists_.Remove(chunk);
  env_->releasing_bytes.fetch_add(chunk->bytes(), std::memory_order_relaxed);
  reserved_bytes_ -= chunk->bytes();
  free_bytes_ -= chunk->free_bytes();
  if (chunk->empty()) --empty_chunks_;
  ++chunk_deallocations_;
  ChunkLists::Push(reaped, chunk);
}

void Arena::Unmap(Chunk* reaped) {
  while (Chunk* chunk = ChunkLists::Pop(&reaped)) ReleaseChunk(chunk);
}

void Arena::ReleaseChunk(Chunk* chunk) {
  const size_t bytes = chunk->bytes();
  FreeChunkObject(chunk);
  env_->releasing_bytes.fetch_sub(bytes, std::memory_order_release);
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
    BinHints::Set(at, offset);
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
  run->block_bytes = env_->layout.size(size_class);
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
    if (env_->options.empty_chunk_decay == absl::ZeroDuration() ||
        env_->closed.load(std::memory_order_relaxed)) {
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

void Arena::ShareLocked(RunInfo* run, Chunk** reaped) {
  // Runs of a sample or of a large alignment may be of another length.
  if (!SharedBlocks::Keeps(env_->layout, run->size_class) ||
      run->pages != env_->layout.run_pages(run->size_class) ||
      env_->closed.load(std::memory_order_relaxed) || !shared_.Push(run)) {
    FreeRunLocked(run, reaped);
    return;
  }
  SetWords(run, id, /*sampled=*/false);
}

void Arena::ShareBlocks(const uintptr_t* blocks, int count) {
  Chunk* reaped = nullptr;
  {
    MutexLock lock(&mutex_);
    for (int i = 0; i < count; ++i) {
      ShareLocked(AddressTable::Find(blocks[i])->RunAt(blocks[i]), &reaped);
    }
  }
  Unmap(reaped);
}

void Arena::ReleaseShared(bool all) {
  Chunk* reaped = nullptr;
  {
    MutexLock lock(&mutex_);
    const int64_t now = env_->options.clock->NowNanos();
    const int64_t idle_nanos =
        absl::ToInt64Nanoseconds(env_->options.thread_cache_idle_trim);
    if (!all && now - shared_since_nanos_ < idle_nanos) return;
    shared_since_nanos_ = now;
    shared_.Drain(all, [&](RunInfo* run) ABSL_NO_THREAD_SAFETY_ANALYSIS {
      FreeRunLocked(run, &reaped);
    });
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

void* Arena::HandOutLocked(uintptr_t block, int size_class,
                           size_t requested_bytes) {
  AddressTable::Find(block)->SetInUse(block, env_->layout.size(size_class));
  counters_.allocations[size_class].Add(1);
  counters_.requested_bytes.Add(requested_bytes);
  return reinterpret_cast<void*>(block);
}

int Arena::TakeShared(int size_class, OwnerId owner, int want,
                      uintptr_t* blocks) {
  MutexLock lock(&mutex_);
  int taken = 0;
  while (taken < want) {
    RunInfo* run = shared_.Pop(size_class);
    if (run == nullptr) break;
    SetWords(run, owner, /*sampled=*/false);
    blocks[taken++] = reinterpret_cast<uintptr_t>(run->base);
  }
  return taken;
}

void* Arena::AllocateShared(int size_class, size_t requested_bytes) {
  MutexLock lock(&mutex_);
  const RunInfo* run = shared_.Pop(size_class);
  if (run == nullptr) return nullptr;
  return HandOutLocked(reinterpret_cast<uintptr_t>(run->base), size_class,
                       requested_bytes);
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
      LinkOrphan(slab);
    }
    *refusal = Refusal::kNone;
    TakeElements(slab, 1, &block);
    if (FreeCount(slab) == 0) UnlinkOrphan(slab);
  } else {
    const size_t page_bytes = env_->options.page_size_bytes;
    const size_t pages =
        (env_->layout.size(size_class) + page_bytes - 1) / page_bytes;
    RunInfo* run = page_alignment == 1 ? shared_.Pop(size_class) : nullptr;
    *refusal = Refusal::kNone;
    if (run == nullptr) {
      run = NewRunLocked(size_class, pages, page_alignment, 1, id,
                         existing_only, refusal);
    }
    if (run == nullptr) return nullptr;
    block = reinterpret_cast<uintptr_t>(run->base);
  }
  return HandOutLocked(block, size_class, requested_bytes);
}

void* Arena::AllocateSampled(int size_class, uint32_t page_alignment,
                             SampleRecord* record, size_t requested_bytes,
                             bool count, bool existing_only, Refusal* refusal) {
  const size_t page_bytes = env_->options.page_size_bytes;
  const size_t pages =
      (env_->layout.size(size_class) + page_bytes - 1) / page_bytes;
  MutexLock lock(&mutex_);
  // Shared ones first here too: what is freed is shared whoever had it.
  RunInfo* run = page_alignment == 1 ? shared_.Pop(size_class) : nullptr;
  if (run == nullptr) {
    run = NewRunLocked(size_class, pages, page_alignment, 1, id, existing_only,
                       refusal);
  }
  if (run == nullptr) return nullptr;
  run->sample = record;
  SetWords(run, id, /*sampled=*/true);
  const uintptr_t block = reinterpret_cast<uintptr_t>(run->base);
  AddressTable::Find(block)->SetInUse(block, env_->layout.size(size_class));
  if (count) {
    counters_.allocations[size_class].Add(1);
    counters_.requested_bytes.Add(requested_bytes);
  }
  return run->base;
}

Arena::FreeResult Arena::FreeDirect(uintptr_t address, bool count, bool share) {
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
    if (!segment->ClearInUse(address, run->block_bytes)) {
      Fatal(
          "free of %p (class %u), which is not in use: freed twice, or not "
          "the start of a block",
          reinterpret_cast<void*>(address), run->block_bytes);
    }
    const int size_class = run->size_class;
    if (run->elements == 1) {
      sample = run->sample;
      run->sample = nullptr;
      if (share) {
        ShareLocked(run, &reaped);
      } else {
        FreeRunLocked(run, &reaped);
      }
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
      counters_.drained_bytes.Add(env_->layout.size(size_class));
    }
  }
  if (sample != nullptr) env_->EndSample(sample);
  Unmap(reaped);
  return FreeResult::kFreed;
}

void Arena::CountFree(int size_class) {
  MutexLock lock(&mutex_);
  counters_.sent_bytes.Add(env_->layout.size(size_class));
  counters_.frees[size_class].Add(1);
}

void Arena::CountHugeAllocation(size_t bytes, size_t requested_bytes,
                                int64_t nanos) {
  MutexLock lock(&mutex_);
  durations_.Record(AllocationPath::kOs, nanos);
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
    ReleaseChunk(chunk);
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

}  // namespace pool_internal
}  // namespace poolscope
