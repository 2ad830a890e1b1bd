#include "poolscope/allocator/pool/thread_cache.h"

#include <algorithm>
#include <cstring>

#include "poolscope/allocator/base/clock.h"
#include "poolscope/allocator/base/fatal.h"
#include "poolscope/allocator/pool/address_table.h"
#include "poolscope/allocator/pool/slab.h"

namespace poolscope {
namespace pool_internal {
namespace {

constexpr uint32_t kMaxCapacity = 2048;
constexpr int kMaxRefill = 256;
// After the budget refused a larger magazine, misses before asking again.
constexpr uint32_t kBackOffMisses = 64;
// Allocations of one class between two looks at what is due.
constexpr uint64_t kCheckInterval = 1024;
// Slow paths between two publications of pending frees.
constexpr uint32_t kPublishInterval = 32;
// Pending frees that are sent on their way at the latest.
constexpr uint64_t kMaxPendingBytes = 32 << 10;
// Free elements of a class that a cache keeps in slabs, before an empty slab
// goes back to the arena.
constexpr uint64_t kKeepFreeBytes = 256 << 10;
constexpr uint64_t kNever = ~uint64_t{0};

size_t SizeOf(int size_class) { return kSizeClasses.size[size_class]; }

uint32_t InitialCapacity(int size_class) {
  if (SizeOf(size_class) <= 1024) return 16;
  return SizeOf(size_class) <= 8192 ? 4 : 1;
}

uint32_t RoundUpToPowerOfTwo(uint64_t n) {
  uint32_t power = 1;
  while (power < n) power *= 2;
  return power;
}

[[noreturn]] void FatalNotInUse(uintptr_t address, int size_class,
                                const char* how) {
  Fatal(
      "free of %p (class %zu), which is not in use: freed twice, or not the "
      "start of a block (%s)",
      reinterpret_cast<void*>(address), SizeOf(size_class), how);
}

}  // namespace

void FreeCounted(uintptr_t address) {
  for (;;) {
    Segment* segment = AddressTable::Find(address);
    if (segment->chunk->arena()->FreeDirect(address, /*count=*/false) ==
        Arena::FreeResult::kFreed) {
      return;
    }
    // A cache has adopted the slab since. If it goes away in turn before the
    // message arrives, the arena owns the slab again.
    Owner* owner = OwnerDirectory::Find(segment->WordAt(address).owner());
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
  set_enabled(enabled);
  thread_id_.store(thread_id, std::memory_order_relaxed);
  trim_requested_.store(false, std::memory_order_relaxed);
  budget_bytes_.store(env_->options.thread_cache_initial_bytes,
                      std::memory_order_relaxed);
  requests_since_trim_ = 0;
  if (env_->options.sampling) {
    pace_.Start(env_->options.sample_interval_bytes,
                (uint64_t{id} << 32) ^ static_cast<uint64_t>(thread_id));
  }
  returns_.Unseal();
}

void ThreadCache::Detach() {
  Flush(EvictionReason::kThreadExit);
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
    cold_[c].armed = false;
    bins_[c].event_at = bins_[c].pops.load(std::memory_order_relaxed);
  }
  uintptr_t late = 0;
  arena()->Orphan(slabs, [&] { late = returns_.Seal(); });
  DrainToArena(late);
  thread_id_.store(0, std::memory_order_relaxed);
  budget_bytes_.store(0, std::memory_order_relaxed);
}

// ---------------------------------------------------------------- allocation

void* ThreadCache::AllocateSlow(int size_class, size_t size, Refusal* refusal) {
  *refusal = Refusal::kNone;
  OnSlowPath();
  if (!enabled()) {
    return arena()->AllocateDirect(size_class, 1, size,
                                   /*existing_only=*/false, refusal);
  }
  Bin& bin = bins_[size_class];
  ColdBin& cold = cold_[size_class];
  const uint64_t pops = bin.pops.load(std::memory_order_relaxed);
  if (!cold.armed) {
    cold.armed = true;
    cold.pops_at_check = cold.pops_at_trim = pops;
    DrawSample(size_class);
  } else if (pops == bin.event_at) {
    OnEvent(size_class);
  }
  if (cold.sample_at == pops) {
    void* sampled = TakeSample(size_class, size);
    if (sampled != nullptr) return sampled;
  }
  if (bin.top == nullptr) DrainReturns();
  if (bin.top == nullptr) return ServeMiss(size_class, size, refusal);
  return Deliver(size_class, size, reinterpret_cast<uintptr_t>(bin.Pop()));
}

void* ThreadCache::Deliver(int size_class, size_t size, uintptr_t block) {
  bins_[size_class].CountRequested(size);
  AddressTable::Find(block)->SetInUse(block);
  return reinterpret_cast<void*>(block);
}

void* ThreadCache::ServeMiss(int size_class, size_t size, Refusal* refusal) {
  ColdBin& cold = cold_[size_class];
  ++requests_since_trim_;
  const bool slab_class = env_->layout.is_slab(size_class);
  if (cold.overflowed || (cold.capacity == 0 && slab_class)) {
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
    taken = arena()->TakeBlocks(size_class, id, want, blocks, refusal);
    if (taken == 0) return nullptr;
  }
  for (int i = taken - 1; i > 0; --i) Insert(size_class, blocks[i]);
  // This allocation was not one of the pops that the next sample counts down.
  if (cold.sample_at != kNever) --cold.sample_at;
  ArmEvent(size_class);
  cold.misses.Add(1);
  return Deliver(size_class, size, blocks[0]);
}

void ThreadCache::DrawSample(int size_class) {
  ColdBin& cold = cold_[size_class];
  cold.sample_at = kNever;
  if (env_->options.sampling) {
    const size_t size = SizeOf(size_class);
    cold.sample_interval_bytes = pace_.interval_bytes();
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

void* ThreadCache::TakeSample(int size_class, size_t size) {
  ColdBin& cold = cold_[size_class];
  const double interval = cold.sample_interval_bytes;
  pace_.BeginSample();
  void* block = nullptr;
  SampleRecord* record = env_->sampler.NewRecord();
  if (record != nullptr) {
    Refusal refusal;
    block = arena()->AllocateSampled(size_class, record, &refusal);
    if (block == nullptr) {
      env_->sampler.Discard(record);
    } else {
      record->address = reinterpret_cast<uintptr_t>(block);
      record->requested_bytes = size;
      record->class_bytes = SizeOf(size_class);
      record->weight = SamplePace::Weight(SizeOf(size_class), interval);
      record->allocated_nanos = env_->options.clock->NowNanos();
      env_->sampler.Add(record);
      bins_[size_class].CountRequested(size);
      ++requests_since_trim_;
      cold.misses.Add(1);
    }
  }
  pace_.EndSample();
  DrawSample(size_class);
  return block;
}

void ThreadCache::OnEvent(int size_class) {
  ColdBin& cold = cold_[size_class];
  const uint64_t pops = bins_[size_class].pops.load(std::memory_order_relaxed);
  requests_since_trim_ += pops - cold.pops_at_check;
  cold.pops_at_check = pops;
  const uint64_t interval = env_->options.thread_cache_trim_interval;
  if (interval != 0 && requests_since_trim_ >= interval) {
    requests_since_trim_ = 0;
    TrimUnused(EvictionReason::kTrim);
  }
  DrainReturns();
  ArmEvent(size_class);
}

void ThreadCache::OnSlowPath() {
  if (trim_requested_.load(std::memory_order_relaxed)) {
    trim_requested_.store(false, std::memory_order_relaxed);
    Flush(EvictionReason::kReclaim);
  }
  if (++slow_paths_ % kPublishInterval == 0) PublishPending();
}

// --------------------------------------------------------------------- frees

void ThreadCache::FreeOwned(int size_class, uintptr_t address) {
  OnSlowPath();
  if (!AddressTable::Find(address)->ClearInUse(address)) {
    FatalNotInUse(address, size_class, "seen by its owner");
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
    bins_[size_class].Push(reinterpret_cast<void*>(address));
    return;
  }
  cold.overflowed = true;
  cold.direct_frees.Add(1);
  GiveBack(size_class, &address, 1);
}

void ThreadCache::CountRemoteFree(Arena* arena, int size_class) {
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
  if (pending_owner_ != owner) PublishPending();
  if (pending_ == nullptr) {
    pending_ = NewBatch();
    if (pending_ == nullptr) {
      Send(owner, address | kBlockMessage);
      return;
    }
    pending_owner_ = owner;
  }
  pending_->blocks[pending_->count++] = address;
  pending_bytes_ += SizeOf(size_class);
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
  DrainToArena(message);
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
  Segment* segment = AddressTable::Find(address);
  const PageWord word = segment->WordAt(address);
  if (word.owner() != id) {
    FreeCounted(address);
    return;
  }
  const int size_class = RunOf(address, word)->size_class;
  if (!segment->ClearInUse(address)) {
    FatalNotInUse(address, size_class, "seen when its owner took it up");
  }
  drained_bytes_.Add(SizeOf(size_class));
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

void ThreadCache::DrainToArena(uintptr_t message) {
  while (message != 0) {
    const uintptr_t next = ReturnQueue::Next(message);
    if ((message & kBlockMessage) != 0) {
      FreeCounted(message & ~kBlockMessage);
    } else {
      RemoteBatch* batch = reinterpret_cast<RemoteBatch*>(message);
      for (uint32_t i = 0; i < batch->count; ++i) {
        FreeCounted(batch->blocks[i]);
      }
      batch->sender->TakeBackBatch(batch);
    }
    message = next;
  }
}

// ----------------------------------------------------------------- magazines

void ThreadCache::Insert(int size_class, uintptr_t block) {
  Bin& bin = bins_[size_class];
  if (bin.level() >= cold_[size_class].capacity) {
    GiveBack(size_class, &block, 1);
    return;
  }
  const int64_t fill = bin.fill.load(std::memory_order_relaxed);
  *reinterpret_cast<void**>(bin.slots + 8 * bin.difference()) = bin.top;
  bin.top = reinterpret_cast<void*>(block);
  bin.fill.store(fill + 1, std::memory_order_relaxed);
  bin.slots += 8;
  --bin.full_at;
}

bool ThreadCache::FitsBudget(uint64_t granted_after) {
  const uint64_t budget = budget_bytes();
  if (granted_after <= budget) return true;
  const uint64_t most = env_->options.thread_cache_max_bytes;
  if (granted_after > most) return false;
  budget_bytes_.store(std::min(most, std::max(2 * budget, granted_after)),
                      std::memory_order_relaxed);
  return true;
}

void ThreadCache::TryGrow(int size_class) {
  ColdBin& cold = cold_[size_class];
  if (cold.back_off > 0) {
    --cold.back_off;
    return;
  }
  const uint32_t wanted = cold.capacity == 0
                              ? InitialCapacity(size_class)
                              : std::min(2 * cold.capacity, kMaxCapacity);
  if (wanted <= cold.capacity) return;
  const uint64_t growth = (wanted - cold.capacity) * SizeOf(size_class);
  // A class's first blocks must fit what the budget is now: only the second
  // time around, after an overflow, is the thread busy with it.
  const bool fits = cold.capacity == 0 && !cold.overflowed
                        ? granted_bytes_ + growth <= budget_bytes()
                        : FitsBudget(granted_bytes_ + growth);
  if (!fits || !SetCapacity(size_class, wanted)) {
    if (cold.capacity > 0 || cold.overflowed) cold.back_off = kBackOffMisses;
  }
}

bool ThreadCache::SetCapacity(int size_class, uint32_t capacity) {
  Bin& bin = bins_[size_class];
  ColdBin& cold = cold_[size_class];
  const int64_t level = bin.level();
  void** array = nullptr;
  if (capacity > 0) {
    array =
        static_cast<void**>(env_->metadata.Allocate(capacity * sizeof(void*)));
    if (array == nullptr) return false;
    // array[0] is the null below the last block; the topmost is in bin.top.
    if (level > 1) std::memcpy(array, cold.array, level * sizeof(void*));
  }
  if (cold.array != nullptr) {
    env_->metadata.Free(cold.array, cold.capacity * sizeof(void*));
  }
  const int64_t fill = bin.fill.load(std::memory_order_relaxed);
  granted_bytes_ += capacity * SizeOf(size_class);
  granted_bytes_ -= cold.capacity * SizeOf(size_class);
  cold.array = array;
  cold.capacity = capacity;
  bin.slots = reinterpret_cast<uintptr_t>(array) + 8 * fill;
  bin.full_at = capacity - fill;
  return true;
}

void ThreadCache::FlushOldest(int size_class, uint64_t count,
                              EvictionReason reason) {
  Bin& bin = bins_[size_class];
  void** array = cold_[size_class].array;
  const uint64_t level = bin.level();
  count = std::min(count, level);
  if (count == 0) return;
  const uint64_t below_top = std::min(count, level - 1);
  if (below_top > 0) {
    GiveBack(size_class, reinterpret_cast<uintptr_t*>(array + 1), below_top);
    std::memmove(array + 1, array + 1 + below_top,
                 (level - 1 - below_top) * sizeof(void*));
  }
  if (count == level) {
    const uintptr_t last = reinterpret_cast<uintptr_t>(bin.top);
    bin.top = nullptr;
    GiveBack(size_class, &last, 1);
  }
  bin.fill.store(
      bin.fill.load(std::memory_order_relaxed) - static_cast<int64_t>(count),
      std::memory_order_relaxed);
  bin.slots -= 8 * count;
  bin.full_at += count;
  evictions_[static_cast<int>(reason)].Add(count);
}

void ThreadCache::GiveBack(int size_class, const uintptr_t* blocks, int count) {
  if (!env_->layout.is_slab(size_class)) {
    arena()->ReturnBlocks(blocks, count);
    return;
  }
  for (int i = 0; i < count; ++i) PutInSlab(size_class, blocks[i]);
}

void ThreadCache::TrimUnused(EvictionReason reason) {
  for (int c = 0; c < env_->layout.count(); ++c) {
    ColdBin& cold = cold_[c];
    if (!cold.armed && cold.capacity == 0) continue;
    const uint64_t pops = bins_[c].pops.load(std::memory_order_relaxed);
    const uint64_t used = pops - cold.pops_at_trim;
    cold.pops_at_trim = pops;
    const uint64_t level = bins_[c].level();
    if (level > used) FlushOldest(c, level - used, reason);
    if (used == 0) {
      if (cold.capacity > 0) SetCapacity(c, 0);
      ReleaseEmptySlabs(c);
    } else if (used < cold.capacity / 2) {
      SetCapacity(c, std::max(RoundUpToPowerOfTwo(used), InitialCapacity(c)));
    }
  }
  const uint64_t budget = budget_bytes();
  if (granted_bytes_ < budget / 4) {
    budget_bytes_.store(
        std::max<uint64_t>(env_->options.thread_cache_initial_bytes,
                           budget / 2),
        std::memory_order_relaxed);
  }
}

void ThreadCache::Flush(EvictionReason reason) {
  PublishPending();
  DrainReturns();
  for (int c = 0; c < env_->layout.count(); ++c) {
    if (!cold_[c].armed && cold_[c].capacity == 0 &&
        cold_[c].partial == nullptr) {
      continue;
    }
    FlushOldest(c, kMaxCapacity, reason);
    if (cold_[c].capacity > 0) SetCapacity(c, 0);
    ReleaseEmptySlabs(c);
  }
  budget_bytes_.store(env_->options.thread_cache_initial_bytes,
                      std::memory_order_relaxed);
}

// --------------------------------------------------------------------- slabs

void ThreadCache::PutInSlab(int size_class, uintptr_t address) {
  ColdBin& cold = cold_[size_class];
  RunInfo* slab = RunOf(address, AddressTable::Find(address)->WordAt(address));
  const uint32_t before = PutElement(slab, address);
  ++cold.free_elements;
  if (before == 0) {
    UnlinkRun(&cold.full, slab);
    LinkRun(&cold.partial, slab);
  }
  if (before + 1 == slab->elements &&
      (cold.free_elements - slab->elements) * SizeOf(size_class) >=
          kKeepFreeBytes) {
    UnlinkRun(&cold.partial, slab);
    cold.free_elements -= slab->elements;
    arena()->ReturnSlab(slab);
  }
}

void ThreadCache::ReleaseEmptySlabs(int size_class) {
  ColdBin& cold = cold_[size_class];
  for (RunInfo* slab = cold.partial; slab != nullptr;) {
    RunInfo* next = slab->next;
    if (FreeCount(slab) == slab->elements) {
      UnlinkRun(&cold.partial, slab);
      cold.free_elements -= slab->elements;
      arena()->ReturnSlab(slab);
    }
    slab = next;
  }
}

// ------------------------------------------------------------------- figures

uint64_t ThreadCache::CountFrees(int size_class) const {
  return bins_[size_class].pushes.load(std::memory_order_acquire) +
         cold_[size_class].direct_frees.Value();
}

uint64_t ThreadCache::CachedBytes() const {
  uint64_t bytes = 0;
  for (int c = 0; c < env_->layout.count(); ++c) {
    // Not atomic as a whole: while the owner works the level may come out a
    // little wrong, so it is kept within its bounds.
    const int64_t level =
        std::clamp<int64_t>(bins_[c].level(), 0, kMaxCapacity);
    bytes += level * SizeOf(c);
  }
  return bytes;
}

uint64_t ThreadCache::RequestedBytes() const {
  uint64_t bytes = 0;
  for (int c = 0; c < env_->layout.count(); ++c) {
    bytes += bins_[c].requested_bytes.load(std::memory_order_relaxed);
  }
  return bytes;
}

uint64_t ThreadCache::TotalRequests() const {
  uint64_t requests = 0;
  for (int c = 0; c < env_->layout.count(); ++c) {
    requests += CountHits(c) + CountMisses(c);
  }
  return requests;
}

const char* ThreadCache::CheckInvariants() const {
  uint64_t granted = 0;
  for (int c = 0; c < env_->layout.count(); ++c) {
    const Bin& bin = bins_[c];
    const ColdBin& cold = cold_[c];
    const int64_t level = bin.level();
    granted += cold.capacity * SizeOf(c);
    if (level < 0 || level > cold.capacity) return "a level out of bounds";
    if ((level == 0) != (bin.top == nullptr)) return "a top without a level";
    if (bin.full_at - bin.difference() != cold.capacity - level) {
      return "a magazine full at the wrong place";
    }
    for (int64_t i = 0; i < level; ++i) {
      const uintptr_t block =
          reinterpret_cast<uintptr_t>(i == 0 ? bin.top : cold.array[i]);
      const Segment* segment = AddressTable::Find(block);
      if (segment == nullptr) return "a foreign block in a magazine";
      const PageWord word = segment->WordAt(block);
      if (word.tag() != id || word.bin_offset() != BinOffset(c)) {
        return "a block of another owner or class in a magazine";
      }
      if (segment->InUse(block)) return "a block in use in a magazine";
    }
    uint64_t free_elements = 0;
    for (const RunInfo* slab = cold.partial; slab; slab = slab->next) {
      free_elements += FreeCount(slab);
      if (FreeCount(slab) == 0) return "a full slab among the partial ones";
      if (slab->size_class != c) return "a slab in another class's list";
    }
    for (const RunInfo* slab = cold.full; slab; slab = slab->next) {
      if (FreeCount(slab) != 0) return "a partial slab among the full ones";
    }
    if (free_elements != cold.free_elements) return "free elements miscounted";
  }
  if (granted != granted_bytes_) return "the budget miscounted";
  return nullptr;
}

}  // namespace pool_internal
}  // namespace poolscope
