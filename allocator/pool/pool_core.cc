#include "poolscope/allocator/pool/pool_core.h"

#include <algorithm>
#include <new>
#include <thread>

#include "absl/strings/str_format.h"
#include "poolscope/allocator/base/allocation_observer.h"
#include "poolscope/allocator/base/clock.h"
#include "poolscope/allocator/base/fatal.h"
#include "poolscope/allocator/pool/address_table.h"
#include "poolscope/allocator/pool/slab.h"
#include "poolscope/allocator/pool/thread_binding.h"

namespace poolscope {
namespace pool_internal {
namespace {

constexpr size_t kMaxRequestBytes = size_t{1} << 46;
// After making room another thread may be faster; ask again this often.
constexpr int kAttempts = 3;
constexpr size_t kSystemPageBytes = 4096;

// The process-wide list of cores, for fork() and for their end. Constant from
// the start, so that it serves before and after any static object.
Mutex process_mutex(LockRank::kProcess);
PoolCore* cores ABSL_GUARDED_BY(process_mutex) = nullptr;
// Whether there ever was one, and with it the address table.
bool had_cores ABSL_GUARDED_BY(process_mutex) = false;

}  // namespace

// ------------------------------------------------------------ beginning, end

absl::StatusOr<PoolCore*> PoolCore::Create(const PoolOptions& options) {
  InitThreadBinding();
  if (!AddressTable::Init()) {
    return absl::ResourceExhaustedError(
        "no address space for the table of segments (256 MiB): raise the "
        "limit (ulimit -v)");
  }
  struct Delete {
    void operator()(PoolCore* core) const { delete core; }
  };
  std::unique_ptr<PoolCore, Delete> core(new PoolCore(options));
  for (int i = 0; i < *options.arenas; ++i) {
    core->arenas_.push_back(std::make_unique<Arena>(&core->env_, i));
    if (!OwnerDirectory::Add(core->arenas_.back().get())) {
      core->arenas_.pop_back();
      return absl::ResourceExhaustedError(
          absl::StrFormat("allocator %s: no memory or no id left for arena %d",
                          options.name, i));
    }
  }
  for (int i = 0; i < *options.arenas; ++i) {
    core->arenas_[i]->set_neighbour(
        core->arenas_[(i + 1) % *options.arenas].get());
  }
  {
    MutexLock lock(&core->mutex_);
    core->arena_threads_.resize(*options.arenas);
    core->spare_caches_.resize(*options.arenas);
  }
  absl::Status taken;
  {
    MutexLock lock(&process_mutex);
    const PoolCore* other = options.observer == nullptr ? nullptr : cores;
    while (other && other->env_.options.observer != options.observer) {
      other = other->next_core_;
    }
    if (other == nullptr) {
      core->next_core_ = cores;
      cores = core.get();
      had_cores = true;
      return core.release();
    }
    taken = absl::InvalidArgumentError(
        absl::StrFormat("allocator %s: its observer serves allocator %s",
                        options.name, other->env_.options.name));
  }
  return taken;
}

PoolCore::~PoolCore() {
  ThreadCache* cache = caches_.load(std::memory_order_relaxed);
  while (cache != nullptr) {
    ThreadCache* next = cache->next_cache;
    DestroyCache(cache);
    cache = next;
  }
  for (std::unique_ptr<Arena>& arena : arenas_) OwnerDirectory::Remove(*arena);
}

void PoolCore::Close() {
  if (env_.options.observer != nullptr) env_.options.observer->OnClose();
  {
    // Whoever has one of these caches in its thread-local pointer must not take
    // a new allocator at the same address for this one. Under the mutex, so
    // that no cache is attached with the old address afterwards.
    MutexLock lock(&mutex_);
    facade_.store(nullptr, std::memory_order_release);
    ForEachCache([](ThreadCache* cache) { cache->Serve(nullptr); });
  }
  UnbindCache(this);
  env_.closed.store(true, std::memory_order_relaxed);
  MakeRoom(nullptr);
  // Sequentially consistent, as is guard_: a thread that did not see the flag
  // is seen by the loop.
  closed_.store(true);
  while (guard_.load() != 0) std::this_thread::yield();
  PoolCore* unused;
  {
    MutexLock lock(&process_mutex);
    released_ = true;
    unused = TakeIfUnused(this);
  }
  delete unused;
}

PoolCore* PoolCore::TakeIfUnused(PoolCore* core) {
  // Blocks first: whoever freed the last one entered guard_, or had attached,
  // before that free was counted, and is therefore seen below.
  if (!core->released_ || core->ReadTotals().active_blocks != 0) return nullptr;
  if (core->guard_.load() != 0) return nullptr;
  {
    MutexLock lock(&core->mutex_);
    if (core->attached_ != 0) return nullptr;
  }
  PoolCore** link = &cores;
  while (*link != core) link = &(*link)->next_core_;
  *link = core->next_core_;
  return core;
}

void PoolCore::KeepUntilEnd(std::shared_ptr<void> object) {
  MutexLock lock(&mutex_);
  kept_.push_back(std::move(object));
}

void PoolCore::LockAll() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  process_mutex.LockForFork();
  // First, as an observer may hold a lock while it changes the interval.
  for (PoolCore* core = cores; core != nullptr; core = core->next_core_) {
    AllocationObserver* observer = core->env_.options.observer.get();
    if (observer != nullptr) observer->LockForFork();
  }
  for (PoolCore* core = cores; core != nullptr; core = core->next_core_) {
    core->room_mutex_.LockForFork();
    core->mutex_.LockForFork();
    core->ForEachCache([](ThreadCache* c) { c->mutex.LockForFork(); });
    for (auto& arena : core->arenas_) arena->mutex()->LockForFork();
    core->env_.sampler.mutex()->LockForFork();
    core->env_.direct_pace_mutex.LockForFork();
    core->env_.segment_mutex.LockForFork();
    core->env_.metadata.mutex()->LockForFork();
  }
}

void PoolCore::UnlockAll() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  for (PoolCore* core = cores; core != nullptr; core = core->next_core_) {
    core->env_.metadata.mutex()->UnlockForFork();
    core->env_.segment_mutex.UnlockForFork();
    core->env_.direct_pace_mutex.UnlockForFork();
    core->env_.sampler.mutex()->UnlockForFork();
    for (auto& arena : core->arenas_) arena->mutex()->UnlockForFork();
    core->ForEachCache([](ThreadCache* c) { c->mutex.UnlockForFork(); });
    core->mutex_.UnlockForFork();
    core->room_mutex_.UnlockForFork();
  }
  for (PoolCore* core = cores; core != nullptr; core = core->next_core_) {
    AllocationObserver* observer = core->env_.options.observer.get();
    if (observer != nullptr) observer->UnlockForFork();
  }
  process_mutex.UnlockForFork();
}

void PoolCore::UnlockAllInChild() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  // The threads that were inside do not exist here.
  for (PoolCore* core = cores; core != nullptr; core = core->next_core_) {
    core->guard_.store(0);
  }
  UnlockAll();
}

std::vector<PoolRange> PoolCore::Ranges() {
  std::vector<PoolRange> ranges;
  {
    MutexLock lock(&process_mutex);
    for (PoolCore* core = cores; core != nullptr; core = core->next_core_) {
      for (auto& arena : core->arenas_) arena->AppendRanges(&ranges);
      core->env_.AppendRanges(&ranges);
    }
    if (had_cores) AddressTable::AppendRange(&ranges);
  }
  OwnerDirectory::AppendRanges(&ranges);
  return ranges;
}

// ------------------------------------------------------------- thread caches

ThreadCache* PoolCore::NewCache(Arena* arena) {
  void* remote =
      env_.metadata.Allocate(arenas_.size() * sizeof(SingleWriterCounter*));
  void* cold = env_.metadata.Allocate(kMaxSizeClasses * sizeof(ColdBin));
  void* memory = env_.metadata.Allocate(sizeof(ThreadCache));
  ThreadCache* cache = nullptr;
  if (remote != nullptr && cold != nullptr && memory != nullptr) {
    cache =
        new (memory) ThreadCache(&env_, static_cast<ColdBin*>(cold),
                                 static_cast<SingleWriterCounter**>(remote));
    if (!OwnerDirectory::Add(cache)) cache = nullptr;
  }
  if (cache == nullptr) {
    if (remote != nullptr) {
      env_.metadata.Free(remote, arenas_.size() * sizeof(SingleWriterCounter*));
    }
    if (cold != nullptr) {
      env_.metadata.Free(cold, kMaxSizeClasses * sizeof(ColdBin));
    }
    if (memory != nullptr) env_.metadata.Free(memory, sizeof(ThreadCache));
    return nullptr;
  }
  cache->Attach(arena, env_.options.use_thread_caches, 0);
  cache->next_cache = caches_.load(std::memory_order_relaxed);
  caches_.store(cache, std::memory_order_release);
  return cache;
}

void PoolCore::DestroyCache(ThreadCache* cache) {
  // Its memory goes with the metadata allocator.
  OwnerDirectory::Remove(*cache);
  cache->~ThreadCache();
}

ThreadCache* PoolCore::AttachCache(int64_t thread_id) {
  MutexLock lock(&mutex_);
  // Netty's choice: the arena with the fewest threads, the lowest among equals.
  const size_t index =
      std::min_element(arena_threads_.begin(), arena_threads_.end()) -
      arena_threads_.begin();
  std::vector<ThreadCache*>& spare = spare_caches_[index];
  ThreadCache* cache = nullptr;
  if (spare.empty()) {
    cache = NewCache(arenas_[index].get());
    if (cache == nullptr) return nullptr;
  } else {
    cache = spare.back();
    spare.pop_back();
  }
  MutexLock cache_lock(&cache->mutex);
  cache->Attach(arenas_[index].get(), env_.options.use_thread_caches,
                thread_id);
  cache->state.store(CacheState::kActive, std::memory_order_relaxed);
  cache->Serve(facade_.load(std::memory_order_acquire));
  cache->seen_nanos = env_.options.clock->NowNanos();
  ++arena_threads_[index];
  ++attached_;
  return cache;
}

void PoolCore::DetachCache(ThreadCache* cache) {
  {
    MutexLock lock(&cache->mutex);
    cache->Detach();
    cache->state.store(CacheState::kSpare, std::memory_order_relaxed);
  }
  // Under the process mutex, so that nobody ends this core between the count
  // and the last look at it.
  PoolCore* unused;
  {
    MutexLock process_lock(&process_mutex);
    {
      MutexLock lock(&mutex_);
      cache->Serve(nullptr);
      const int index = cache->arena()->index();
      --arena_threads_[index];
      --attached_;
      spare_caches_[index].push_back(cache);
    }
    unused = TakeIfUnused(this);
  }
  delete unused;
}

void PoolCore::SetThreadCacheEnabled(bool enabled) {
  ThreadCache* cache = BindCache(this, /*attach=*/true);
  if (cache == nullptr) return;
  cache->SetEnabled(enabled && env_.options.use_thread_caches);
  current_cache = cache->enabled() ? cache : &no_cache;
}

void PoolCore::FlushIdleCaches(EvictionReason reason, bool all, int64_t now,
                               TrimResult* result) {
  const ThreadCache* own = ActiveCache(this);
  const int64_t idle_nanos =
      absl::ToInt64Nanoseconds(env_.options.thread_cache_idle_trim);
  MutexLock lock(&mutex_);
  ForEachCache([&](ThreadCache* cache) {
    if (!all) {
      const uint64_t requests = cache->TotalRequests();
      if (requests != cache->seen_requests) {
        cache->seen_requests = requests;
        cache->seen_nanos = now;
      }
      if (now - cache->seen_nanos < idle_nanos) return;
    }
    MutexLock cache_lock(&cache->mutex);
    switch (cache->state.load(std::memory_order_relaxed)) {
      case CacheState::kSpare:
        break;
      case CacheState::kIdle:
        if (result != nullptr && cache->CachedBytes() > 0) {
          ++result->caches_emptied;
        }
        cache->Flush(reason);
        break;
      case CacheState::kActive:
        cache->ReclaimReturns();
        if (cache != own) cache->RequestTrim();
        break;
    }
  });
}

// ---------------------------------------------------------------- allocation

Arena* PoolCore::ArenaFor(const ThreadCache* cache) const {
  return cache == nullptr ? arenas_[0].get() : cache->arena();
}

void* PoolCore::TryAllocate(ThreadCache* cache, int size_class, size_t size,
                            uint32_t page_alignment, Refusal* refusal,
                            SampleRecord** sample) {
  if (cache != nullptr && page_alignment == 1) {
    return cache->AllocateSlow(size_class, size, refusal, sample);
  }
  return AllocateDirect(cache, ArenaFor(cache), size_class, size,
                        page_alignment, /*existing_only=*/false, refusal,
                        sample);
}

void* PoolCore::Allocate(size_t size, size_t alignment) {
  const size_t chunk_bytes = env_.options.chunk_size_bytes();
  if (alignment == 0 || (alignment & (alignment - 1)) != 0 ||
      alignment > chunk_bytes) {
    NoteInvalidAlignment(alignment, chunk_bytes);
    return nullptr;
  }
  ThreadCache* cache = BindCache(this, /*attach=*/true);
  if (cache != nullptr) HonorRequests(cache);
  const size_t page_bytes = env_.options.page_size_bytes;
  if (size > chunk_bytes) return AllocateHuge(cache, size, alignment);
  // Within a page the class's size sees to the alignment, beyond it the place
  // of the run.
  const int size_class = alignment <= 16
                             ? env_.layout.tables().ClassFor(size)
                             : env_.layout.tables().AlignedClassFor(
                                   size, std::min(alignment, page_bytes));
  const uint32_t page_alignment = std::max<size_t>(1, alignment / page_bytes);
  Refusal refusal = Refusal::kNone;
  SampleRecord* sample = nullptr;
  void* block =
      TryAllocate(cache, size_class, size, page_alignment, &refusal, &sample);
  if (block == nullptr) {
    block = AllocateTight(&refusal, cache, size, [&] {
      void* again = TryAllocate(cache, size_class, size, page_alignment,
                                &refusal, &sample);
      for (size_t i = 0; again == nullptr && i < arenas_.size(); ++i) {
        Refusal ignored;
        again = AllocateDirect(cache, arenas_[i].get(), size_class, size,
                               page_alignment, /*existing_only=*/true, &ignored,
                               &sample);
      }
      return again;
    });
  }
  if (sample != nullptr) FinishSample(cache, *sample);
  return block;
}

template <typename F>
void* PoolCore::AllocateTight(const Refusal* refusal, ThreadCache* cache,
                              size_t size, F&& allocate) {
  // One at a time, so that what one thread frees for itself another does not
  // take and then make room in vain. Before caches are emptied, a look at what
  // there is: an arena that has no chunk at the limit lives off the others'
  // without costing every thread its cache.
  MutexLock lock(&room_mutex_);
  void* block = allocate();
  for (int attempt = 0; block == nullptr && attempt < kAttempts; ++attempt) {
    MakeRoom(cache);
    // What other threads have taken apart and not yet given back to the limit.
    while (env_.releasing_bytes.load(std::memory_order_acquire) != 0) {
      std::this_thread::yield();
    }
    block = allocate();
  }
  if (block == nullptr) NoteRefusal(*refusal, size);
  return block;
}

void PoolCore::MakeRoom(ThreadCache* own) {
  if (own != nullptr) own->Flush(EvictionReason::kReclaim);
  FlushIdleCaches(EvictionReason::kReclaim, /*all=*/true, 0, nullptr);
  uint64_t chunks = 0;
  uint64_t bytes = 0;
  for (const std::unique_ptr<Arena>& arena : arenas_) {
    arena->ReleaseShared(/*all=*/true);
    arena->ReleaseEmptyChunks(/*all=*/true, &chunks, &bytes);
  }
}

void* PoolCore::AllocateHuge(ThreadCache* cache, size_t size,
                             size_t alignment) {
  Refusal refusal = Refusal::kLimit;
  if (size > kMaxRequestBytes) {
    NoteRefusal(refusal, size);
    return nullptr;
  }
  const size_t bytes = (size + kSystemPageBytes - 1) & -kSystemPageBytes;
  const int arena = ArenaFor(cache)->index();
  void* block = TryMapHuge(size, bytes, alignment, arena, &refusal);
  if (block == nullptr) {
    block = AllocateTight(&refusal, cache, size, [&] {
      return TryMapHuge(size, bytes, alignment, arena, &refusal);
    });
  }
  if (block == nullptr) return nullptr;
  const uintptr_t address = reinterpret_cast<uintptr_t>(block);
  const SampleRecord* sample = AddressTable::FindAny(address)->runs[0].sample;
  if (sample != nullptr) env_.Announce(*sample);
  return block;
}

void* PoolCore::TryMapHuge(size_t size, size_t bytes, size_t alignment,
                           int arena, Refusal* refusal) {
  if (!env_.limit.Reserve(bytes)) {
    *refusal = Refusal::kLimit;
    return nullptr;
  }
  *refusal = Refusal::kMapping;
  const int64_t begun = PreciseNanos();
  Segment* segment = env_.NewSegment();
  void* block = nullptr;
  if (segment != nullptr) {
    block = env_.options.memory_source->Map(
        bytes, std::max(kSegmentBytes, alignment),
        env_.options.huge_pages ? MemorySource::Use::kHugeBlocks
                                : MemorySource::Use::kBlocks);
  }
  const uintptr_t address = reinterpret_cast<uintptr_t>(block);
  if (block != nullptr) {
    segment->core = this;
    segment->chunk = nullptr;
    segment->base = address;
    segment->huge_bytes = bytes;
    segment->huge_requested = size;
    segment->huge_arena = arena;
    AddressTable::Enter(address, bytes, segment);
    env_.ListHuge(segment);
    SampleHuge(segment);
  } else {
    if (segment != nullptr) env_.FreeSegment(segment);
    env_.limit.Release(bytes);
    return nullptr;
  }
  huge_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  arenas_[arena]->CountHugeAllocation(bytes, size, PreciseNanos() - begun);
  return block;
}

// --------------------------------------------------------------------- frees

void PoolCore::Free(const PooledAllocator* facade, void* block) {
  if (block == nullptr) return;
  const uintptr_t address = reinterpret_cast<uintptr_t>(block);
  Segment* segment = AddressTable::FindAny(address);
  if (segment == nullptr) {
    Fatal("free of %p, which no allocator of this library handed out", block);
  }
  PoolCore* core = segment->core;
  if (facade != nullptr &&
      core->facade_.load(std::memory_order_acquire) != facade) {
    Fatal("free of %p, which belongs to allocator %s, by another one", block,
          core->env_.options.name.c_str());
  }
  // A thread with a cache keeps the core alive. Without one, until the block is
  // counted as freed the block does; from then on guard_ does.
  ThreadCache* cache = BindCache(core, /*attach=*/!core->closed());
  if (cache != nullptr) {
    core->HonorRequests(cache);
    core->FreeBlock(cache, segment, address);
    return;
  }
  core->guard_.fetch_add(1);
  core->FreeBlock(nullptr, segment, address);
  // Close() sets closed_ and then waits for guard_: who reads false here is
  // waited for and must not touch the core after the decrement.
  if (!core->closed_.load()) {
    core->guard_.fetch_sub(1);
    return;
  }
  PoolCore* unused;
  {
    MutexLock lock(&process_mutex);
    core->guard_.fetch_sub(1);
    unused = TakeIfUnused(core);
  }
  delete unused;
}

void PoolCore::FreeBlock(ThreadCache* cache, Segment* segment,
                         uintptr_t address) {
  if (segment->chunk == nullptr) {
    FreeHuge(segment, address);
    return;
  }
  Arena* arena = segment->chunk->arena();
  for (;;) {
    const PageWord word = segment->AcquireWordAt(address);
    Owner* owner = OwnerDirectory::Find(word.owner());
    if (owner == nullptr) {
      Fatal("free of %p, which is not the start of a block in use",
            reinterpret_cast<void*>(address));
    }
    if (owner->is_arena) {
      if (arena->FreeDirect(address, /*count=*/true,
                            /*share=*/cache != nullptr && cache->enabled()) ==
          Arena::FreeResult::kFreed) {
        return;
      }
      continue;  // a cache has adopted the slab meanwhile
    }
    const int size_class = ClassOfBin(word.bin_offset());
    if (cache == nullptr) {
      arena->CountFree(size_class);
      FreeCounted(address, /*share=*/false);
    } else if (owner == cache) {
      cache->FreeOwned(size_class, address);
    } else {
      cache->CountRemoteFree(arena, size_class);
      cache->FreeRemote(static_cast<ThreadCache*>(owner), size_class, address);
    }
    return;
  }
}

void PoolCore::FreeHuge(Segment* segment, uintptr_t address) {
  if (segment->base != address) {
    Fatal("free of %p, which lies inside the huge block %p",
          reinterpret_cast<void*>(address),
          reinterpret_cast<void*>(segment->base));
  }
  const size_t bytes = segment->huge_bytes;
  Arena* arena = arenas_[segment->huge_arena].get();
  if (SampleRecord* sample = segment->runs[0].sample; sample != nullptr) {
    segment->runs[0].sample = nullptr;
    env_.EndSample(sample);
  }
  env_.releasing_bytes.fetch_add(bytes, std::memory_order_relaxed);
  env_.UnlistHuge(segment);
  AddressTable::Remove(address, bytes);
  env_.options.memory_source->Unmap(reinterpret_cast<void*>(address), bytes);
  env_.FreeSegment(segment);
  env_.limit.Release(bytes);
  env_.releasing_bytes.fetch_sub(bytes, std::memory_order_release);
  huge_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  arena->CountHugeFree(bytes);
}

size_t PoolCore::UsableSize(const void* block) {
  const uintptr_t address = reinterpret_cast<uintptr_t>(block);
  Segment* segment = AddressTable::FindAny(address);
  if (segment == nullptr) {
    Fatal("size asked of %p, which no allocator of this library handed out",
          block);
  }
  if (segment->chunk == nullptr) {
    return segment->huge_bytes - (address - segment->base);
  }
  const PageWord word = segment->WordAt(address);
  if (word.owner() == kNoOwner) {
    Fatal("size asked of %p, which is not the start of a block in use", block);
  }
  return RunOf(address, word)->block_bytes;
}

}  // namespace pool_internal
}  // namespace poolscope
