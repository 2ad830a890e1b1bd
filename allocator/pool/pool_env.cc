#include "poolscope/allocator/pool/pool_env.h"

#include "poolscope/allocator/base/clock.h"

namespace poolscope {
namespace pool_internal {
namespace {

constexpr int kMaxSpareSegments = 16;

}  // namespace

PoolEnv::~PoolEnv() {
  while (spare != nullptr) {
    Segment* next = spare->next;
    metadata.Free(spare, sizeof(Segment));
    spare = next;
  }
}

Segment* PoolEnv::NewSegment() {
  {
    MutexLock lock(&segment_mutex);
    if (spare != nullptr) {
      Segment* segment = spare;
      spare = segment->next;
      --spare_count;
      segment->next = nullptr;
      return segment;
    }
  }
  return static_cast<Segment*>(metadata.Allocate(sizeof(Segment)));
}

void PoolEnv::FreeSegment(Segment* segment) {
  segment->core = nullptr;
  segment->chunk = nullptr;
  segment->base = 0;
  segment->huge_bytes = 0;
  segment->huge_requested = 0;
  segment->prev = nullptr;
  {
    MutexLock lock(&segment_mutex);
    if (spare_count < kMaxSpareSegments) {
      segment->next = spare;
      spare = segment;
      ++spare_count;
      return;
    }
  }
  metadata.Free(segment, sizeof(Segment));
}

void PoolEnv::ListHuge(Segment* segment) {
  MutexLock lock(&segment_mutex);
  segment->prev = nullptr;
  segment->next = huge;
  if (huge != nullptr) huge->prev = segment;
  huge = segment;
}

void PoolEnv::UnlistHuge(Segment* segment) {
  MutexLock lock(&segment_mutex);
  (segment->prev == nullptr ? huge : segment->prev->next) = segment->next;
  if (segment->next != nullptr) segment->next->prev = segment->prev;
}

void PoolEnv::AppendRanges(std::vector<PoolRange>* ranges) {
  {
    MutexLock lock(&segment_mutex);
    for (const Segment* segment = huge; segment; segment = segment->next) {
      ranges->push_back({segment->base, segment->huge_bytes,
                         PoolRange::Use::kHuge, segment->huge_arena});
      ranges->push_back(MetadataRange(segment, sizeof(Segment)));
    }
    for (const Segment* segment = spare; segment; segment = segment->next) {
      ranges->push_back(MetadataRange(segment, sizeof(Segment)));
    }
  }
  // Its lock has the same rank.
  metadata.AppendRanges(ranges);
}

void PoolEnv::StartPace(SamplePace* pace, uint64_t seed) const {
  if (!options.sampling) return;
  const size_t told = sample_interval_bytes.load(std::memory_order_relaxed);
  if (told != 0) {
    pace->Start(told, seed);
  } else {
    pace->Start(options.sample_interval_bytes, seed, options.sample_one_in);
  }
}

void PoolEnv::ListSample(SampleRecord* record, uintptr_t address,
                         size_t requested_bytes, size_t class_bytes,
                         double weight) {
  record->address = address;
  record->requested_bytes = requested_bytes;
  record->class_bytes = class_bytes;
  record->weight = weight;
  record->allocated_nanos = options.clock->NowNanos();
  sampler.Add(record);
}

void PoolEnv::Announce(const SampleRecord& record) {
  if (options.observer == nullptr) return;
  ObservedAllocation allocation;
  allocation.id = record.id;
  allocation.address = reinterpret_cast<const void*>(record.address);
  allocation.requested_bytes = record.requested_bytes;
  allocation.class_bytes = record.class_bytes;
  allocation.weight = record.weight;
  allocation.allocated_nanos = record.allocated_nanos;
  options.observer->OnAllocate(allocation);
}

void PoolEnv::EndSample(SampleRecord* record) {
  const uint64_t id = record->id;
  sampler.Remove(record);
  if (options.observer != nullptr) options.observer->OnFree(id);
}

}  // namespace pool_internal
}  // namespace poolscope
