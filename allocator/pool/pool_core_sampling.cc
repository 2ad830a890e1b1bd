// PoolCore: which allocations are sampled, and how that is changed.
#include <atomic>

#include "poolscope/allocator/base/fatal.h"
#include "poolscope/allocator/base/statistics.h"
#include "poolscope/allocator/pool/address_table.h"
#include "poolscope/allocator/pool/pool_core.h"
#include "poolscope/allocator/pool/slab.h"

namespace poolscope {
namespace pool_internal {

// Every allocation that is ordered after the return of this is sampled under
// the new interval, and the fast path pays nothing for that:
//
//   SetSampleInterval, any thread      the owner of a cache
//     under mutex_:                      fast path: is allocator == facade?
//       interval, epoch + 1                no: slow path
//       allocator = null in each cache   slow path: is the bins' epoch old?
//                                          yes, under mutex_: arm all bins,
//                                          allocator = facade
//
// Both stores to a cache's `allocator` are made under mutex_, so neither is
// lost. Is the null the later one, then the owner's next request that is
// ordered after it reads null, by coherence, and goes the slow way; there it
// reads the new epoch, stored before the null by the same thread. Is the
// facade the later one, then the owner armed its bins under mutex_ after the
// epoch was stored, and read the new one. Relaxed suffices for all of them.
//
// An allocation that is not ordered after the return may be sampled either way.
// One that reads the null and still the old epoch (which x86 does not let
// happen) goes the slow way until it reads the new one.
void PoolCore::SetSampleInterval(size_t bytes) {
  MutexLock lock(&mutex_);
  env_.sample_interval_bytes.store(bytes, std::memory_order_relaxed);
  env_.sample_epoch.store(env_.sample_epoch.load(std::memory_order_relaxed) + 1,
                          std::memory_order_relaxed);
  {
    MutexLock pace_lock(&env_.direct_pace_mutex);
    env_.StartPace(&env_.direct_pace, 0);
  }
  ForEachCache([](ThreadCache* cache) { cache->Serve(nullptr); });
}

void PoolCore::RestartSampling(ThreadCache* cache) {
  MutexLock lock(&mutex_);
  cache->RestartSampling();
  // Null when the allocator is closed: see Close().
  cache->Serve(facade_.load(std::memory_order_relaxed));
}

bool PoolCore::TossSample(ThreadCache* cache, int size_class, double* weight) {
  if (!kStatistics || !env_.options.sampling) return false;
  const size_t class_bytes = env_.layout.size(size_class);
  const auto toss = [&](SamplePace* pace) {
    if (!pace->Toss(class_bytes)) return false;
    *weight = pace->Weight(class_bytes);
    return true;
  };
  if (cache != nullptr) return toss(cache->pace());
  MutexLock lock(&env_.direct_pace_mutex);
  return toss(&env_.direct_pace);
}

void* PoolCore::AllocateDirect(ThreadCache* cache, Arena* arena, int size_class,
                               size_t size, uint32_t page_alignment,
                               bool existing_only, Refusal* refusal,
                               SampleRecord** sample) {
  double weight = 1;
  const bool due = TossSample(cache, size_class, &weight);
  if (due) {
    if (cache != nullptr) cache->pace()->BeginSample();
    SampleRecord* record = env_.sampler.NewRecord();
    void* block = nullptr;
    if (record != nullptr) {
      block = arena->AllocateSampled(size_class, page_alignment, record, size,
                                     /*count=*/true, existing_only, refusal);
      if (block == nullptr) {
        env_.sampler.Discard(record);
      } else {
        env_.ListSample(record, reinterpret_cast<uintptr_t>(block), size,
                        env_.layout.size(size_class), weight);
        *sample = record;
      }
    }
    if (cache != nullptr) cache->pace()->PauseSample();
    if (block != nullptr) return block;
  }
  void* block = arena->AllocateDirect(size_class, page_alignment, size,
                                      existing_only, refusal);
  if (due && block != nullptr) env_.sampler.CountMissed();
  return block;
}

void PoolCore::FinishSample(ThreadCache* cache, const SampleRecord& sample) {
  if (cache == nullptr) {
    env_.Announce(sample);
    return;
  }
  if (env_.options.observer != nullptr) {
    cache->pace()->BeginSample();
    env_.Announce(sample);
  }
  cache->pace()->EndSample();
}

// Every huge block has a record: what it costs is small beside the mapping.
void PoolCore::SampleHuge(Segment* segment) {
  if (!env_.options.sampling) return;
  SampleRecord* record = env_.sampler.NewRecord();
  if (record == nullptr) {
    env_.sampler.CountMissed();
    return;
  }
  segment->runs[0].sample = record;
  env_.ListSample(record, segment->base, segment->huge_requested,
                  segment->huge_bytes, /*weight=*/1);
}

uint64_t PoolCore::SampleId(const void* block) {
  const uintptr_t address = reinterpret_cast<uintptr_t>(block);
  Segment* segment = AddressTable::FindAny(address);
  if (segment == nullptr) {
    Fatal("sample asked of %p, which no allocator of this library handed out",
          block);
  }
  const SampleRecord* sample = nullptr;
  if (segment->chunk == nullptr) {
    sample = segment->runs[0].sample;
  } else {
    const PageWord word = segment->WordAt(address);
    if (!word.sampled()) return 0;
    sample = RunOf(address, word)->sample;
  }
  return sample == nullptr ? 0 : sample->id;
}

}  // namespace pool_internal
}  // namespace poolscope
