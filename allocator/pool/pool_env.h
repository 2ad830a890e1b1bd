// PoolEnv: what every arena of an allocator shares.
//
// Options, class layout, limit, metadata, sampling records and spare segments:
// the part of the allocator that arenas may know, so that they need not know
// the allocator.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_ALLOCATOR_POOL_POOL_ENV_H_
#define POOLSCOPE_ALLOCATOR_POOL_POOL_ENV_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "poolscope/allocator/base/allocation_observer.h"
#include "poolscope/allocator/base/mutex.h"
#include "poolscope/allocator/pool/memory_limit.h"
#include "poolscope/allocator/pool/metadata_allocator.h"
#include "poolscope/allocator/pool/pool_options.h"
#include "poolscope/allocator/pool/pool_range.h"
#include "poolscope/allocator/pool/sampler.h"
#include "poolscope/allocator/pool/segment.h"
#include "poolscope/allocator/pool/size_classes.h"

namespace poolscope {
namespace pool_internal {

class PoolCore;

// Why a request for memory failed.
enum class Refusal { kNone, kLimit, kMapping };

struct PoolEnv {
  // `resolved`: as ResolvePoolOptions() returned them.
  PoolEnv(PoolCore* owner, const PoolOptions& resolved)
      : core(owner),
        options(resolved),
        layout(resolved.page_size_bytes, resolved.chunk_size_bytes(),
               resolved.layout),
        limit(resolved.max_direct_memory_bytes),
        metadata(resolved.memory_source),
        sampler(&metadata) {
    StartPace(&direct_pace, resolved.sample_seed);
  }
  ~PoolEnv();

  // A zeroed segment, or null.
  [[nodiscard]] Segment* NewSegment();
  // Words and states must be zero again.
  void FreeSegment(Segment* segment);

  // Between these two AppendRanges() has the huge block of `segment`.
  void ListHuge(Segment* segment);
  void UnlistHuge(Segment* segment);
  // Huge blocks, and the tables that no arena has.
  void AppendRanges(std::vector<PoolRange>* ranges);

  // Starts `pace` under the interval that holds now.
  void StartPace(SamplePace* pace, uint64_t seed) const;
  // Completes and lists the record of a sampled block.
  void ListSample(SampleRecord* record, uintptr_t address,
                  size_t requested_bytes, size_t class_bytes, double weight);
  // Tells the observer, with no lock held.
  void Announce(const SampleRecord& record);
  // The block has been freed. With no lock held.
  void EndSample(SampleRecord* record);

  PoolCore* const core;
  const PoolOptions options;
  const ClassLayout layout;
  MemoryLimit limit;
  MetadataAllocator metadata;
  Sampler sampler;

  // What SetSampleInterval() was told, 0: the options hold, and how often it
  // was called, from 1. Written under the core's mutex, the epoch last. Under
  // that mutex both are read with relaxed order; elsewhere the epoch alone is,
  // to be compared: who must see a change is ordered after it by its caller.
  std::atomic<size_t> sample_interval_bytes{0};
  std::atomic<uint64_t> sample_epoch{1};
  // For allocations of threads that have no cache, and so no pace.
  Mutex direct_pace_mutex{LockRank::kSampler};
  SamplePace direct_pace ABSL_GUARDED_BY(direct_pace_mutex);

  // Bytes of chunks and huge blocks that are being unmapped: out of use, not
  // yet back at the limit. Released after limit.Release(), for a thread that
  // waits.
  std::atomic<size_t> releasing_bytes{0};
  // The allocator is gone: empty chunks are not kept. A hint.
  std::atomic<bool> closed{false};

  // Segments of huge blocks, for AppendRanges(), and spare ones: a huge block
  // that comes and goes needs no mapping of ours.
  Mutex segment_mutex{LockRank::kMetadata};
  Segment* huge ABSL_GUARDED_BY(segment_mutex) = nullptr;
  Segment* spare ABSL_GUARDED_BY(segment_mutex) = nullptr;
  int spare_count ABSL_GUARDED_BY(segment_mutex) = 0;
};

}  // namespace pool_internal
}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_POOL_POOL_ENV_H_
