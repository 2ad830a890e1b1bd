#include "poolscope/allocator/buffer/unpooled_heap.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "poolscope/allocator/pool/pool_options.h"

namespace poolscope {
namespace buffer_internal {
namespace {

constexpr int kHuge = static_cast<int>(Kind::kHuge);

// The largest small block, and the largest normal one.
constexpr size_t kMaxBytes[kHuge] = {28672, 4 << 20};

int KindOf(size_t size) {
  int kind = 0;
  while (kind < kHuge && size > kMaxBytes[kind]) ++kind;
  return kind;
}

}  // namespace

absl::StatusOr<std::unique_ptr<UnpooledHeap>> UnpooledHeap::Create(
    const UnpooledOptions& options) {
  // The pool's rules for names and limits, its chunk as small as may be.
  PoolOptions as_pool;
  as_pool.name = options.name;
  as_pool.max_direct_memory_bytes = options.max_direct_memory_bytes;
  as_pool.page_size_bytes = 4096;
  as_pool.max_order = 0;
  absl::StatusOr<PoolOptions> resolved = ResolvePoolOptions(as_pool);
  if (!resolved.ok()) return resolved.status();
  return std::unique_ptr<UnpooledHeap>(
      new UnpooledHeap(resolved->name, resolved->max_direct_memory_bytes));
}

absl::StatusOr<uint8_t*> UnpooledHeap::Allocate(size_t size) {
  if (!limit_.Reserve(size)) {
    failures_limit_.fetch_add(1, std::memory_order_relaxed);
    return absl::ResourceExhaustedError(
        absl::StrFormat("allocator %s: %d bytes requested, %d used, limit %d",
                        name_, size, limit_.used(), limit_.limit()));
  }
  void* block = std::malloc(size);
  if (block == nullptr) {
    limit_.Release(size);
    failures_malloc_.fetch_add(1, std::memory_order_relaxed);
    return absl::ResourceExhaustedError(
        absl::StrFormat("allocator %s: malloc refused %d bytes", name_, size));
  }
  KindCounters& counters = by_kind_[KindOf(size)];
  counters.allocations.fetch_add(1, std::memory_order_relaxed);
  counters.allocated_bytes.fetch_add(size, std::memory_order_relaxed);
  return static_cast<uint8_t*>(block);
}

void UnpooledHeap::Free(uint8_t* block, size_t size) {
  std::free(block);
  limit_.Release(size);
  KindCounters& counters = by_kind_[KindOf(size)];
  counters.freed_bytes.fetch_add(size, std::memory_order_release);
  counters.deallocations.fetch_add(1, std::memory_order_release);
}

AllocatorStats UnpooledHeap::Stats() const {
  AllocatorStats stats;
  stats.snapshot_id = NextSnapshotId();
  stats.name = name_;
  stats.layout = "unpooled";

  ArenaStats arena;
  for (int i = 0; i < kChunkListCount; ++i) {
    arena.lists[i].list = static_cast<ChunkListId>(i);
  }
  for (int kind = 0; kind < kKindCount; ++kind) {
    const KindCounters& counters = by_kind_[kind];
    KindCounts& counts = arena.by_kind[kind];
    counts.deallocations =
        counters.deallocations.load(std::memory_order_acquire);
    const uint64_t freed = counters.freed_bytes.load(std::memory_order_acquire);
    counts.allocations = counters.allocations.load(std::memory_order_relaxed);
    const uint64_t allocated =
        counters.allocated_bytes.load(std::memory_order_relaxed);
    counts.active = counts.allocations - counts.deallocations;
    arena.allocated_bytes += allocated;
    arena.freed_bytes += freed;
    if (kind == kHuge) {
      stats.huge_used_bytes = allocated - freed;
      continue;
    }
    arena.pinned_bytes += allocated - freed;
    SizeClassStats size_class;
    size_class.size_bytes = kMaxBytes[kind];
    size_class.kind = static_cast<Kind>(kind);
    size_class.allocations = counts.allocations;
    size_class.deallocations = counts.deallocations;
    size_class.active_elements = counts.active;
    size_class.capacity_elements = counts.active;
    stats.size_classes.push_back(size_class);
  }
  stats.requested_bytes = arena.allocated_bytes;
  stats.pinned_bytes = arena.pinned_bytes;
  stats.direct_limit_bytes = limit_.limit();
  stats.direct_used_bytes = limit_.used();
  // The peak is raised just after what is used.
  stats.direct_peak_bytes =
      std::max<uint64_t>(limit_.peak(), stats.direct_used_bytes);
  stats.allocation_failures_limit =
      failures_limit_.load(std::memory_order_relaxed);
  stats.allocation_failures_mapping =
      failures_malloc_.load(std::memory_order_relaxed);
  stats.arenas.push_back(std::move(arena));
  return stats;
}

}  // namespace buffer_internal
}  // namespace poolscope
