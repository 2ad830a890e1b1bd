// Sampler: the records of sampled blocks, and how often to sample.
//
// An allocation of class size s is sampled with probability 1 - e^(-s/I), I
// being the mean interval in bytes: as if a coin were tossed for every byte.
// Its weight, the inverse of that probability, makes sums over the records
// unbiased estimates of sums over all blocks. Each bin of a thread cache counts
// its own allocations down to the next sample (SampleGap), so that the fast
// path compares one number and draws nothing.
//
//   what reads the records: age of the oldest block, in the allocator and in
//   each chunk, and internal fragmentation
//
// Thread safety: Sampler is thread-safe; SamplePace belongs to one thread.
#ifndef POOLSCOPE_ALLOCATOR_POOL_SAMPLER_H_
#define POOLSCOPE_ALLOCATOR_POOL_SAMPLER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "poolscope/allocator/base/mutex.h"
#include "poolscope/allocator/pool/metadata_allocator.h"

namespace poolscope {
namespace pool_internal {

struct SampleRecord {
  uint64_t id;  // unique in the allocator
  uintptr_t address;
  size_t requested_bytes;
  size_t class_bytes;
  double weight;            // blocks that this one stands for, at least 1
  int64_t allocated_nanos;  // by the allocator's clock
  SampleRecord* next;
  SampleRecord* prev;
};

struct SampleTotals {
  uint64_t live = 0;
  int64_t oldest_nanos = 0;  // when the oldest live block was allocated
  double internal_fragmentation_bytes = 0;  // sum of weight * (class - asked)
};

class Sampler {
 public:
  explicit Sampler(MetadataAllocator* metadata) : metadata_(metadata) {}

  // Null when there is no memory for a record: the block is then not sampled.
  [[nodiscard]] SampleRecord* NewRecord();
  // Fills in what the caller knows, and lists it.
  void Add(SampleRecord* record);
  // Takes a live record off the list, or one that was never listed, and frees
  // it.
  void Remove(SampleRecord* record);
  void Discard(SampleRecord* record);

  SampleTotals Totals() const;

  // An allocation that was to be sampled was served without a record: there was
  // no page of its own left for it at the limit, or no memory for the record.
  void CountMissed() { missed_.fetch_add(1, std::memory_order_relaxed); }
  uint64_t missed() const { return missed_.load(std::memory_order_relaxed); }

  // Calls visit(const SampleRecord&) for each live record, under the lock.
  template <typename Visitor>
  void ForEach(Visitor visit) const {
    MutexLock lock(&mutex_);
    for (const SampleRecord* r = newest_; r != nullptr; r = r->next) visit(*r);
  }

  Mutex* mutex() const { return &mutex_; }  // for fork()

 private:
  MetadataAllocator* const metadata_;
  mutable Mutex mutex_{LockRank::kSampler};
  uint64_t next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  uint64_t live_ ABSL_GUARDED_BY(mutex_) = 0;
  std::atomic<uint64_t> missed_{0};  // relaxed: a statistic
  // Newest first: records are appended in the order of their allocation.
  SampleRecord* newest_ ABSL_GUARDED_BY(mutex_) = nullptr;
};

// One thread's interval. With a fixed interval it only draws gaps; otherwise it
// measures what samples cost and stretches the interval until they take about
// 2 % of the thread's time. An interval of one byte takes every allocation,
// none left to chance, at a weight of exactly 1. Or it samples one allocation
// in n, whatever their sizes, at a weight of n.
class SamplePace {
 public:
  static constexpr double kMinIntervalBytes = 512 << 10;
  static constexpr double kMaxIntervalBytes = double{1ull << 44};

  // 0: adapt. `seed` makes the draws of different threads differ. `one_in`,
  // unless it is 0, counts allocations and not bytes.
  void Start(size_t fixed_interval_bytes, uint64_t seed, uint64_t one_in = 0);

  double interval_bytes() const { return interval_bytes_; }

  // Allocations of `class_bytes` until the next sample, this one included: at
  // least 1, geometrically distributed.
  uint64_t SampleGap(size_t class_bytes);
  // Whether to sample one allocation by itself, outside any count.
  bool Toss(size_t class_bytes);
  // 1 / probability: at present, and under `interval_bytes`.
  double Weight(size_t class_bytes) const;
  static double Weight(size_t class_bytes, double interval_bytes);

  // Around the taking of a sample, which may be interrupted.
  void BeginSample();
  void PauseSample();
  void EndSample();

 private:
  double Uniform();  // in (0, 1]
  double Probability(size_t class_bytes) const;

  uint64_t random_ = 1;
  bool adapt_ = false;
  uint64_t one_in_ = 0;
  double interval_bytes_ = kMinIntervalBytes;
  int64_t begun_nanos_ = 0;  // 0: not measuring
  int64_t cost_nanos_ = 0;   // of the present sample
  int64_t paused_nanos_ = 0;
  int64_t last_end_nanos_ = 0;
};

}  // namespace pool_internal
}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_POOL_SAMPLER_H_
