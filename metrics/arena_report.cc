#include "poolscope/metrics/arena_report.h"

#include <cstdint>
#include <string>

#include "absl/strings/str_format.h"
#include "poolscope/allocator/pool/allocator_stats.h"

namespace poolscope {
namespace {

void EmitChunks(const AllocatorStats& allocator, const ArenaStats& arena,
                CallSiteFunction call_site, ReportEmitter& emitter) {
  emitter.BeginTable("chunks");
  for (const ChunkStats& chunk : allocator.chunks) {
    if (chunk.arena != arena.index) continue;
    emitter.BeginRow();
    emitter.Field("chunk", chunk.id);
    // As text: readers of JSON hold numbers above 2^53 inexactly.
    emitter.Field("address", absl::StrFormat("0x%012x", chunk.address));
    emitter.Field("list", ChunkListName(chunk.list));
    emitter.Field("usage_percent", static_cast<uint64_t>(chunk.usage_percent));
    emitter.Field("size_bytes", chunk.size_bytes);
    emitter.Field("used_bytes", chunk.used_bytes);
    emitter.Field("pinned_bytes", chunk.pinned_bytes);
    emitter.Field("cached_bytes", chunk.cached_bytes);
    emitter.Field("free_bytes", chunk.free_bytes);
    emitter.Field("empty_for_seconds", chunk.empty_for_seconds);
    const OldestSample& oldest = chunk.oldest_sample;
    emitter.Field("oldest_sample", oldest.id);
    emitter.Field("oldest_age_seconds", oldest.age_seconds);
    emitter.Field("oldest_requested_bytes", oldest.requested_bytes);
    emitter.Field(
        "oldest_created_by",
        oldest.id == 0 ? std::string() : call_site(allocator.name, oldest.id));
    emitter.EndRow();
  }
  emitter.EndTable();
}

void EmitArena(const AllocatorStats& allocator, const ArenaStats& arena,
               CallSiteFunction call_site, ReportEmitter& emitter) {
  emitter.BeginObject("");
  emitter.Field("arena", static_cast<uint64_t>(arena.index));
  emitter.Field("reserved_bytes", arena.reserved_bytes);
  emitter.Field("used_bytes", arena.used_bytes);
  emitter.Field("peak_used_bytes", arena.peak_used_bytes);
  emitter.Field("pinned_bytes", arena.pinned_bytes);
  emitter.Field("cached_bytes", arena.cached_bytes);
  emitter.Field("free_bytes", arena.reserved_bytes - arena.used_bytes);
  emitter.Field("external_fragmentation_bytes",
                arena.external_fragmentation_bytes);
  emitter.Field("allocated_bytes_total", arena.allocated_bytes);
  emitter.Field("freed_bytes_total", arena.freed_bytes);
  emitter.Field("thread_caches", arena.thread_caches);
  emitter.Field("chunk_allocations_total", arena.chunk_allocations);
  emitter.Field("chunk_deallocations_total", arena.chunk_deallocations);

  emitter.BeginTable("kinds");
  for (int kind = 0; kind < kKindCount; ++kind) {
    const KindCounts& counts = arena.by_kind[kind];
    emitter.BeginRow();
    emitter.Field("kind", KindName(static_cast<Kind>(kind)));
    emitter.Field("allocations_total", counts.allocations);
    emitter.Field("deallocations_total", counts.deallocations);
    emitter.Field("active_allocations", counts.active);
    emitter.EndRow();
  }
  emitter.EndTable();

  emitter.BeginTable("lists");
  for (const ChunkListStats& list : arena.lists) {
    emitter.BeginRow();
    emitter.Field("list", ChunkListName(list.list));
    emitter.Field("min_usage_percent",
                  static_cast<uint64_t>(list.min_usage_percent));
    emitter.Field("max_usage_percent",
                  static_cast<uint64_t>(list.max_usage_percent));
    emitter.Field("chunks", list.chunks);
    emitter.Field("free_bytes", list.free_bytes);
    emitter.EndRow();
  }
  emitter.EndTable();

  EmitChunks(allocator, arena, call_site, emitter);
  emitter.EndObject();
}

void EmitSizeClasses(const AllocatorStats& allocator, ReportEmitter& emitter) {
  emitter.BeginTable("size_classes");
  for (const SizeClassStats& size_class : allocator.size_classes) {
    emitter.BeginRow();
    emitter.Field("size_bytes", size_class.size_bytes);
    emitter.Field("kind", KindName(size_class.kind));
    emitter.Field("allocations_total", size_class.allocations);
    emitter.Field("deallocations_total", size_class.deallocations);
    emitter.Field("active_elements", size_class.active_elements);
    emitter.Field("capacity_elements", size_class.capacity_elements);
    emitter.EndRow();
  }
  emitter.EndTable();
}

void EmitThreadCaches(const AllocatorStats& allocator, ReportEmitter& emitter) {
  emitter.BeginTable("thread_caches");
  for (const ThreadCacheStats& cache : allocator.thread_caches) {
    emitter.BeginRow();
    emitter.Field("thread_cache", cache.id);
    emitter.Field("arena", static_cast<uint64_t>(cache.arena));
    emitter.Field("thread_id", static_cast<uint64_t>(cache.thread_id));
    emitter.Field("idle", cache.idle);
    emitter.Field("cached_bytes", cache.cached_bytes);
    emitter.Field("limit_bytes", cache.limit_bytes);
    emitter.Field("requests_total", cache.requests);
    emitter.Field("hits_total", cache.hits);
    emitter.EndRow();
  }
  emitter.EndTable();
}

}  // namespace

void EmitArenaReport(AllocatorSnapshots snapshots, CallSiteFunction call_site,
                     ReportEmitter& emitter) {
  emitter.BeginObject("");
  emitter.BeginArray("allocators");
  for (const AllocatorStats& allocator : snapshots) {
    emitter.BeginObject("");
    emitter.Field("allocator", allocator.name);
    emitter.Field("snapshot_id", allocator.snapshot_id);
    emitter.Field("layout", allocator.layout);
    emitter.Field("page_size_bytes", allocator.page_size_bytes);
    emitter.Field("chunk_size_bytes", allocator.chunk_size_bytes);
    emitter.Field("direct_memory_used_bytes", allocator.direct_used_bytes);
    emitter.Field("direct_memory_limit_bytes", allocator.direct_limit_bytes);
    emitter.Field("direct_memory_peak_bytes", allocator.direct_peak_bytes);
    emitter.Field("huge_used_bytes", allocator.huge_used_bytes);
    emitter.Field("pinned_bytes", allocator.pinned_bytes);
    emitter.Field("cached_bytes", allocator.cached_bytes);
    emitter.Field("metadata_bytes", allocator.metadata_bytes);
    emitter.BeginArray("arenas");
    for (const ArenaStats& arena : allocator.arenas) {
      EmitArena(allocator, arena, call_site, emitter);
    }
    emitter.EndArray();
    EmitSizeClasses(allocator, emitter);
    EmitThreadCaches(allocator, emitter);
    emitter.EndObject();
  }
  emitter.EndArray();
  emitter.EndObject();
}

}  // namespace poolscope
