#include "poolscope/allocator/pool/thread_cache.h"

#include <algorithm>

#include "poolscope/allocator/base/clock.h"
#include "poolscope/allocator/base/fatal.h"
#include "poolscope/allocator/pool/address_table.h"
#include "poolscope/allocator/pool/slab.h"

namespace poolscope {
namespace pool_internal {
namespace {

constexpr int kMaxRefill = 256;
// Allocations of one class between two looks at what is due.
constexpr uint64_t kCheckInterval = 1024;
// Misses of a thread between two that are timed.
constexpr uint32_t kTimedMissInterval = 16;
// Slow paths between two publications of pending frees.
constexpr uint32_t kPublishInterval = 32;
// Pending frees that are sent on their way at the latest.
constexpr uint64_t kMaxPendingBytes = 32 << 10;
// Frees in a row for one owner from which on its large blocks go home to it: it
// is likely to need them. Before, anyone may take them.
constexpr uint32_t kLongRun = 8;
// Other arenas that a miss looks into at most.
constexpr int kNeighbours = 16;
// Another thread may be faster: looks for a shared block before memory is taken
// that nobody had.
constexpr int kLooks = 3;
constexpr uint64_t kNever = ~uint64_t{0};

[[noreturn]] void FatalNotInUse(uintptr_t address, size_t block_bytes,
                                const char* how) {
  Fatal(
      "free of %p (class %zu), which is not in use: freed twice, or not the "
      "start of a block (%s)",
      reinterpret_cast<void*>(address), block_bytes, how);
}

// The segment of a block on its way home, whose run cannot be gone unless the
// block was freed twice.
Segment* SegmentInUse(uintptr_t address) {
  Segment* segment = AddressTable::Find(address);
  if (segment == nullptr || segment->chunk == nullptr) {
    Fatal("free of %p, whose memory was returned already: freed twice",
          reinterpret_cast<void*>(address));
  }
  return segment;
}

}  // namespace

void FreeCounted(uintptr_t address, bool share) {
  for (;;) {
    Segment* segment = SegmentInUse(address);
    if (segment->chunk->arena()->FreeDirect(address, /*count=*/false, share) ==
        Arena::FreeResult::kFreed) {
      return;
    }
    // A cache has adopted the slab since. If it goes away in turn before the
    // message arrives, the arena owns the slab again.
    Owner* owner =
        OwnerDirectory::Find(segment->AcquireWordAt(address).owner());
    if (owner != nullptr && !owner->is_arena &&
        static_cast<ThreadCache*>(owner)->returns().Push(address |
                                                         kBlockMessage)) {
      return;
    }
  }
}

ThreadCache::ThreadCache(PoolEnv* env, ColdBin* cold,
                         SingleWriterCounter** remote)
    : env_(env), cold_(cold), remote_frees_(remote) {
  if (reinterpret_cast<char*>(bins_) - reinterpret_cast<char*>(this) !=
      kBinsOffset) {
    Fatal("bins of a thread cache are not where page words say");
  }
}

void ThreadCache::Attach(Arena* arena, bool enabled, int64_t thread_id) {
  // Release: who finds the cache by its id finds its arena.
  arena_.store(arena, std::memory_order_release);
  enabled_.store(enabled, std::memory_order_relaxed);
  thread_id_.store(thread_id, std::memory_order_relaxed);
  trim_requested_.store(false, std::memory_order_relaxed);
  budget_bytes_.store(env_->options.thread_cache_initial_bytes,
                      std::memory_order_relaxed);
  requests_since_trim_ = 0;
  RestartSampling();
  returns_.Unseal();
}

void ThreadCache::RestartSampling() {
  sample_epoch_ = env_->sample_epoch.load(std::memory_order_relaxed);
  const uint64_t told = env_->options.sample_seed;
  const uint64_t seed =
      told != 0 ? told
                : (uint64_t{id} << 32) ^ static_cast<uint64_t>(thread_id());
  env_->StartPace(&pace_, seed ^ sample_epoch_ << 48);
  for (int c = 0; c < env_->layout.count(); ++c) {
    if (cold_[c].armed) DrawSample(c);
  }
}

template <typename F>
void ThreadCache::OrphanSlabs(F&& close) {
  RunInfo* slabs = nullptr;
  for (int c = 0; c < env_->layout.count(); ++c) {
    for (RunInfo** list : {&cold_[c].partial, &cold_[c].full}) {
      while (RunInfo* slab = *list) {
        *list = slab->next;
        slab->next = slabs;
        slabs = slab;
      }
    }
    cold_[c].free_elements = 0;
  }
  arena()->Orphan(slabs, close);
}

void ThreadCache::Detach() {
  Flush(EvictionReason::kThreadExit);
  for (int c = 0; c < env_->layout.count(); ++c) {
    cold_[c].armed = false;
    bins_[c].event_at = bins_[c].pops.load(std::memory_order_relaxed);
  }
  uintptr_t late = 0;
  OrphanSlabs([&] { late = returns_.Seal(); });
  DrainToArena(late, nullptr);
  thread_id_.store(0, std::memory_order_relaxed);
  budget_bytes_.store(0, std::memory_order_relaxed);
}

void ThreadCache::SetEnabled(bool enabled) {
  if (!enabled) {
    Flush(EvictionReason::kReclaim);
    // The queue stays open: what comes of these slabs is sent on.
    OrphanSlabs([] {});
  }
  enabled_.store(enabled, std::memory_order_relaxed);
}

// ---------------------------------------------------------------- allocation

void* ThreadCache::AllocateSlow(int size_class, size_t size, Refusal* refusal,
                                SampleRecord** sample) {
  *refusal = Refusal::kNone;
  OnSlowPath();
  Bin& bin = bins_[size_class];
  ColdBin& cold = cold_[size_class];
  const uint64_t pops = bin.pops.load(std::memory_order_relaxed);
  bool timed = false;
  if (!cold.armed) {
    cold.armed = true;
    NoteUse(size_class);
    cold.pops_at_check = cold.pops_at_trim = pops;
    DrawSample(size_class);
  } else if (pops == bin.event_at) {
    timed = OnEvent(size_class);
  }
  if (cold.sample_at != pops) {
    return ServeUnsampled(size_class, size, timed, refusal);
  }
  *sample = TakeSample(size_class, size);
  if (*sample != nullptr) return reinterpret_cast<void*>((*sample)->address);
  // This allocation goes unsampled; the count begins with the next.
  if (cold.sample_at != kNever) ++cold.sample_at;
  ArmEvent(size_class);
  void* block = ServeUnsampled(size_class, size, timed, refusal);
  if (block != nullptr) {
    env_->sampler.CountMissed();
  } else {
    // Still due, if it is asked for again.
    cold.sample_at = pops;
    ArmEvent(size_class);
  }
  return block;
}

void* ThreadCache::ServeUnsampled(int size_class, size_t size, bool timed,
                                  Refusal* refusal) {
  Bin& bin = bins_[size_class];
  if (!enabled()) {
    DrainReturns();
    void* block = arena()->AllocateDirect(size_class, 1, size,
                                          /*existing_only=*/false, refusal);
    if (block != nullptr) CountDownSample(size_class);
    return block;
  }
  if (bin.top == nullptr) DrainReturns();
  if (bin.top == nullptr) {
    return kStatistics && ++misses_ % kTimedMissInterval == 1
               ? ServeMissTimed(size_class, size, refusal)
               : ServeMiss(size_class, size, refusal);
  }
  const int64_t begun = timed ? PreciseNanos() : 0;
  void* block = Deliver(size_class, size,
                        reinterpret_cast<uintptr_t>(
                            bin.Pop(bin.pops.load(std::memory_order_relaxed))));
  if (timed) {
    durations_.Record(AllocationPath::kCache, PreciseNanos() - begun);
  }
  return block;
}

// An allocation that was not one of the pops that the next sample counts.
void ThreadCache::CountDownSample(int size_class) {
  ColdBin& cold = cold_[size_class];
  if (cold.sample_at != kNever) --cold.sample_at;
  ArmEvent(size_class);
}

void* ThreadCache::Deliver(int size_class, size_t size, uintptr_t block) {
  bins_[size_class].CountRequested(size);
  AddressTable::Find(block)->SetInUse(block, env_->layout.size(size_class));
  return reinterpret_cast<void*>(block);
}

void* ThreadCache::ServeMissTimed(int size_class, size_t size,
                                  Refusal* refusal) {
  const uint64_t chunks = arena()->chunks_created();
  const int64_t begun = PreciseNanos();
  void* block = ServeMiss(size_class, size, refusal);
  const int64_t nanos = PreciseNanos() - begun;
  if (block != nullptr) {
    // Another thread may have had the chunk mapped: then this one waited.
    durations_.Record(arena()->chunks_created() != chunks
                          ? AllocationPath::kOs
                          : AllocationPath::kArena,
                      nanos);
  }
  return block;
}

void* ThreadCache::ServeMiss(int size_class, size_t size, Refusal* refusal) {
  ColdBin& cold = cold_[size_class];
  ++requests_since_trim_;
  TrimWhenDue();
  const bool slab_class = env_->layout.is_slab(size_class);
  // Shared blocks come in twos, so that every other request is a hit.
  if (cold.overflowed ||
      (cold.capacity == 0 && (slab_class || arena()->HasShared(size_class)))) {
    TryGrow(size_class);
    cold.overflowed = false;
  }
  const int want = std::clamp<int>((cold.capacity + 1) / 2, 1, kMaxRefill);
  uintptr_t blocks[kMaxRefill];
  int taken = 0;
  if (slab_class) {
    while (taken < want) {
      RunInfo* slab = cold.partial;
      if (slab == nullptr) {
        if (taken > 0) break;
        slab = arena()->TakeSlab(size_class, id, refusal);
        if (slab == nullptr) return nullptr;
        LinkRun(&cold.partial, slab);
        cold.free_elements += FreeCount(slab);
      }
      const int more = TakeElements(slab, want - taken, blocks + taken);
      taken += more;
      cold.free_elements -= more;
      if (FreeCount(slab) == 0) {
        UnlinkRun(&cold.partial, slab);
        LinkRun(&cold.full, slab);
      }
    }
  } else {
    for (int i = 0; i < kLooks && taken == 0; ++i) {
      Arena* from = ArenaToAsk(size_class);
      if (!from->HasShared(size_class)) break;
      if (from == arena()) {
        const int at_least = cold.capacity > 0 ? 2 : 1;
        taken =
            from->TakeShared(size_class, id, std::max(want, at_least), blocks);
      } else if (void* shared = from->AllocateShared(size_class, size)) {
        CountDownSample(size_class);
        return shared;
      }
    }
    if (taken == 0) {
      taken = arena()->TakeBlocks(size_class, id, want, blocks, refusal);
    }
    if (taken == 0) return nullptr;
  }
  for (int i = taken - 1; i > 0; --i) Insert(size_class, blocks[i]);
  CountDownSample(size_class);
  cold.misses.Add(1);
  return Deliver(size_class, size, blocks[0]);
}

// Where to go for a block: to another arena when that one has a shared block
// and the own one none.
Arena* ThreadCache::ArenaToAsk(int size_class) {
  Arena* own = arena();
  if (!SharedBlocks::Keeps(env_->layout, size_class)) return own;
  Arena* candidate = own;
  for (int i = 0; i <= kNeighbours; ++i) {
    if (candidate->HasShared(size_class)) return candidate;
    candidate = candidate->neighbour();
    if (candidate == own) break;
  }
  return own;
}

void ThreadCache::DrawSample(int size_class) {
  ColdBin& cold = cold_[size_class];
  cold.sample_at = kNever;
  if (kStatistics && env_->options.sampling) {
    const size_t size = env_->layout.size(size_class);
    cold.sample_weight = pace_.Weight(size);
    cold.sample_at = bins_[size_class].pops.load(std::memory_order_relaxed) +
                     pace_.SampleGap(size) - 1;
  }
  ArmEvent(size_class);
}

void ThreadCache::ArmEvent(int size_class) {
  const ColdBin& cold = cold_[size_class];
  bins_[size_class].event_at =
      std::min(cold.sample_at, cold.pops_at_check + kCheckInterval);
}

SampleRecord* ThreadCache::TakeSample(int size_class, size_t size) {
  ColdBin& cold = cold_[size_class];
  pace_.BeginSample();
  SampleRecord* record = env_->sampler.NewRecord();
  if (record != nullptr) {
    Refusal refusal;
    Arena* from = ArenaToAsk(size_class);
    // An allocation counts where its free will.
    const bool cached = enabled() && from == arena();
    void* block = from->AllocateSampled(size_class, /*page_alignment=*/1,
                                        record, size, /*count=*/!cached,
                                        /*existing_only=*/false, &refusal);
    if (block == nullptr) {
      env_->sampler.Discard(record);
      record = nullptr;
    } else {
      env_->ListSample(record, reinterpret_cast<uintptr_t>(block), size,
                       env_->layout.size(size_class), cold.sample_weight);
      if (cached) {
        bins_[size_class].CountRequested(size);
        ++requests_since_trim_;
        cold.misses.Add(1);
      }
    }
  }
  pace_.PauseSample();
  DrawSample(size_class);
  return record;
}

bool ThreadCache::OnEvent(int size_class) {
  ColdBin& cold = cold_[size_class];
  const uint64_t pops = bins_[size_class].pops.load(std::memory_order_relaxed);
  const bool check_due = pops - cold.pops_at_check >= kCheckInterval;
  requests_since_trim_ += pops - cold.pops_at_check;
  cold.pops_at_check = pops;
  TrimWhenDue();
  DrainReturns();
  ArmEvent(size_class);
  return kStatistics && check_due;
}

void ThreadCache::TrimWhenDue() {
  const uint64_t interval = env_->options.thread_cache_trim_interval;
  if (interval == 0 || requests_since_trim_ < interval) return;
  requests_since_trim_ = 0;
  TrimUnused(EvictionReason::kTrim);
}

void ThreadCache::FlushAsRequested() {
  trim_requested_.store(false, std::memory_order_relaxed);
  Flush(EvictionReason::kReclaim);
}

void ThreadCache::OnSlowPath() {
  if (++slow_paths_ % kPublishInterval == 0) PublishPending();
}

// --------------------------------------------------------------------- frees

void ThreadCache::FreeOwned(int size_class, uintptr_t address) {
  OnSlowPath();
  if (!AddressTable::Find(address)->ClearInUse(address,
                                               env_->layout.size(size_class))) {
    FatalNotInUse(address, env_->layout.size(size_class), "seen by its owner");
  }
  ColdBin& cold = cold_[size_class];
  if (enabled() && !HasRoom(size_class)) {
    if (cold.capacity > 0) {
      cold.overflowed = true;
      FlushOldest(size_class, std::max<uint32_t>(1, cold.capacity / 2),
                  EvictionReason::kFull);
    } else {
      TryGrow(size_class);
    }
  }
  if (enabled() && HasRoom(size_class)) {
    Bin& bin = bins_[size_class];
    bin.Push(reinterpret_cast<void*>(address),
             bin.pushes.load(std::memory_order_relaxed), bin.difference());
    return;
  }
  cold.overflowed = true;
  cold.direct_frees.Add(1);
  GiveBack(size_class, &address, 1);
  if (!enabled()) DrainReturns();
}

void ThreadCache::CountRemoteFree(Arena* arena, int size_class) {
  if constexpr (!kStatistics) return;
  SingleWriterCounter*& table = remote_frees_[arena->index()];
  if (table == nullptr) {
    void* fresh =
        env_->metadata.Allocate(sizeof(SingleWriterCounter) * kMaxSizeClasses);
    if (fresh == nullptr) {
      arena->CountFree(size_class);
      return;
    }
    // Release: a snapshot that finds the table finds it zeroed.
    __atomic_store_n(&table, static_cast<SingleWriterCounter*>(fresh),
                     __ATOMIC_RELEASE);
  }
  table[size_class].Add(1);
}

void ThreadCache::FreeRemote(ThreadCache* owner, int size_class,
                             uintptr_t address) {
  if (run_owner_ != owner) {
    PublishPending();
    run_owner_ = owner;
    run_length_ = 0;
  }
  if (run_length_ < kLongRun) {
    ++run_length_;
    if (SharedBlocks::Keeps(env_->layout, size_class)) {
      FreeCounted(address, /*share=*/true);
      return;
    }
  }
  if (pending_ == nullptr) {
    pending_ = NewBatch();
    if (pending_ == nullptr) {
      Send(owner, address | kBlockMessage);
      return;
    }
    pending_owner_ = owner;
  }
  pending_->blocks[pending_->count++] = address;
  pending_bytes_ += env_->layout.size(size_class);
  if (pending_->count == RemoteBatch::kCapacity ||
      pending_bytes_ >= kMaxPendingBytes) {
    PublishPending();
  }
}

void ThreadCache::PublishPending() {
  if (pending_ == nullptr) return;
  Send(pending_owner_, reinterpret_cast<uintptr_t>(pending_));
  pending_ = nullptr;
  pending_owner_ = nullptr;
  pending_bytes_ = 0;
}

void ThreadCache::Send(ThreadCache* owner, uintptr_t message) {
  if (owner->returns().Push(message)) return;
  // The owner's thread has exited: its slabs are the arena's.
  if ((message & kBlockMessage) == 0) {
    reinterpret_cast<RemoteBatch*>(message)->next = 0;
  } else {
    *reinterpret_cast<uintptr_t*>(message & ~kBlockMessage) = 0;
  }
  DrainToArena(message, nullptr);
}

RemoteBatch* ThreadCache::NewBatch() {
  if (spare_batches_ == nullptr) {
    // Acquire pairs with TakeBackBatch(): the receiver is done with them.
    spare_batches_ =
        returned_batches_.exchange(nullptr, std::memory_order_acquire);
  }
  RemoteBatch* batch = spare_batches_;
  if (batch != nullptr) {
    spare_batches_ = reinterpret_cast<RemoteBatch*>(batch->next);
  } else {
    if (batch_count_ == RemoteBatch::kMaxBatches) return nullptr;
    batch =
        static_cast<RemoteBatch*>(env_->metadata.Allocate(sizeof(RemoteBatch)));
    if (batch == nullptr) return nullptr;
    ++batch_count_;
    batch->sender = this;
  }
  batch->next = 0;
  batch->count = 0;
  return batch;
}

void ThreadCache::TakeBackBatch(RemoteBatch* batch) {
  RemoteBatch* head = returned_batches_.load(std::memory_order_relaxed);
  do {
    batch->next = reinterpret_cast<uintptr_t>(head);
  } while (!returned_batches_.compare_exchange_weak(
      head, batch, std::memory_order_release, std::memory_order_relaxed));
}

void ThreadCache::DrainReturns() {
  uintptr_t message = returns_.Take();
  if (message == 0) return;
  Overflow overflow;
  while (message != 0) {
    const uintptr_t next = ReturnQueue::Next(message);
    if ((message & kBlockMessage) != 0) {
      DrainBlock(message & ~kBlockMessage, &overflow);
    } else {
      RemoteBatch* batch = reinterpret_cast<RemoteBatch*>(message);
      for (uint32_t i = 0; i < batch->count; ++i) {
        DrainBlock(batch->blocks[i], &overflow);
      }
      batch->sender->TakeBackBatch(batch);
    }
    message = next;
  }
  if (overflow.count > 0) {
    arena()->ReturnBlocks(overflow.blocks, overflow.count);
  }
}

void ThreadCache::DrainBlock(uintptr_t address, Overflow* overflow) {
  Segment* segment = SegmentInUse(address);
  const PageWord word = segment->WordAt(address);
  if (word.owner() != id) {
    FreeCounted(address, /*share=*/false);
    return;
  }
  const int size_class = RunOf(address, word)->size_class;
  if (!segment->ClearInUse(address, env_->layout.size(size_class))) {
    FatalNotInUse(address, env_->layout.size(size_class),
                  "seen when its owner took it up");
  }
  drained_bytes_.Add(env_->layout.size(size_class));
  if (enabled() && HasRoom(size_class)) {
    Insert(size_class, address);
    return;
  }
  cold_[size_class].overflowed = true;
  if (env_->layout.is_slab(size_class)) {
    PutInSlab(size_class, address);
    return;
  }
  overflow->blocks[overflow->count++] = address;
  if (overflow->count == Overflow::kCapacity) {
    arena()->ReturnBlocks(overflow->blocks, overflow->count);
    overflow->count = 0;
  }
}

void ThreadCache::DrainToArena(uintptr_t message, ThreadCache* owner) {
  const auto free = [owner](uintptr_t address) {
    const PageWord word = SegmentInUse(address)->AcquireWordAt(address);
    if (owner != nullptr && RunOf(address, word)->elements > 1 &&
        owner->returns_.Push(address | kBlockMessage)) {
      return;
    }
    FreeCounted(address, /*share=*/false);
  };
  while (message != 0) {
    const uintptr_t next = ReturnQueue::Next(message);
    if ((message & kBlockMessage) != 0) {
      free(message & ~kBlockMessage);
    } else {
      RemoteBatch* batch = reinterpret_cast<RemoteBatch*>(message);
      for (uint32_t i = 0; i < batch->count; ++i) free(batch->blocks[i]);
      batch->sender->TakeBackBatch(batch);
    }
    message = next;
  }
}

}  // namespace pool_internal
}  // namespace poolscope
