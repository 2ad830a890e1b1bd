#include "poolscope/metrics/pool_details.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "poolscope/metrics/process/memory_owner.h"

namespace poolscope {
namespace {

class Rows {
 public:
  void Add(MemoryOwner owner, std::string name, uint64_t bytes) {
    rows_.push_back(
        {std::string(MemoryOwnerName(owner)), std::move(name), bytes});
  }
  std::vector<NativeMemoryDetail> Take() { return std::move(rows_); }

 private:
  std::vector<NativeMemoryDetail> rows_;
};

void AddAllocator(const AllocatorStats& stats, Rows& rows) {
  for (const ArenaStats& arena : stats.arenas) {
    if (arena.reserved_bytes == 0) continue;
    rows.Add(MemoryOwner::kPoolArenas,
             absl::StrCat(stats.name, ": arena ", arena.index),
             arena.reserved_bytes);
  }
  rows.Add(MemoryOwner::kPoolArenas,
           absl::StrCat(stats.name, ": thread caches"),
           stats.thread_cache_bytes);
  if (stats.huge_used_bytes > 0) {
    rows.Add(MemoryOwner::kPoolHuge, absl::StrCat(stats.name, ": huge blocks"),
             stats.huge_used_bytes);
  }
  rows.Add(MemoryOwner::kPoolMetadata, absl::StrCat(stats.name, ": tables"),
           stats.metadata_bytes);
}

}  // namespace

std::vector<NativeMemoryDetail> PoolDetails(
    absl::Span<const AllocatorStats> snapshots,
    const std::optional<OutboundStats>& outbound) {
  Rows rows;
  for (const AllocatorStats& stats : snapshots) {
    const bool pooled = stats.chunk_size_bytes > 0;
    if (pooled) AddAllocator(stats, rows);
  }
  if (outbound.has_value()) {
    for (const OutboundGroupStats& group : outbound->groups) {
      rows.Add(MemoryOwner::kPoolArenas,
               absl::StrCat(group.group, ": outbound queues"),
               group.pending_bytes);
    }
  }
  return rows.Take();
}

}  // namespace poolscope
