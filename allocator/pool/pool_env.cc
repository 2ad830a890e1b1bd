#include "poolscope/allocator/pool/pool_env.h"

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
    MutexLock lock(&spare_mutex);
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
    MutexLock lock(&spare_mutex);
    if (spare_count < kMaxSpareSegments) {
      segment->next = spare;
      spare = segment;
      ++spare_count;
      return;
    }
  }
  metadata.Free(segment, sizeof(Segment));
}

}  // namespace pool_internal
}  // namespace poolscope
