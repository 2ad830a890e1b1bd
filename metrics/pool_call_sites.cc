#include "poolscope/metrics/pool_call_sites.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"

namespace poolscope {
namespace {

uint64_t ChunkBytes(absl::Span<const AllocatorStats> snapshots,
                    absl::string_view allocator) {
  for (const AllocatorStats& snapshot : snapshots) {
    if (snapshot.name == allocator) return snapshot.chunk_size_bytes;
  }
  return std::numeric_limits<uint64_t>::max();  // gone meanwhile
}

std::string FrameText(const HeapProfile& profile, uint64_t call) {
  const std::string& function = profile.functions.at(call);
  return function.empty() ? absl::StrFormat("0x%x", call) : function;
}

}  // namespace

std::vector<NativeMemoryCallSite> PoolCallSites(
    absl::Span<const LiveBlocks> allocators,
    absl::Span<const AllocatorStats> snapshots,
    const HeapProfileBuilder::NameFunction& name) {
  // A profile by category: all allocators are in the same ones.
  HeapProfileBuilder builder(name);
  for (const LiveBlocks& blocks : allocators) {
    const uint64_t chunk_bytes = ChunkBytes(snapshots, blocks.allocator);
    LiveAllocations in_chunks;
    LiveAllocations huge;
    in_chunks.stacks = huge.stacks = blocks.live.stacks;
    for (const LiveAllocation& block : blocks.live.allocations) {
      (block.allocation.class_bytes > chunk_bytes ? huge : in_chunks)
          .allocations.push_back(block);
    }
    builder.Add("Pool Arenas", in_chunks);
    builder.Add("Pool Huge", huge);
  }
  const HeapProfile profile = builder.Finish();
  std::vector<NativeMemoryCallSite> sites;
  for (const HeapProfile::Sample& sample : profile.samples) {
    // Stacks of the other category, which are the last.
    if (sample.objects == 0 || sites.size() == kMaxPoolCallSites) break;
    NativeMemoryCallSite& site = sites.emplace_back();
    site.category = sample.allocator;
    for (uint64_t call : sample.stack) {
      site.frames.push_back(FrameText(profile, call));
    }
    site.malloc_bytes = static_cast<uint64_t>(std::llround(sample.bytes));
    site.malloc_count = static_cast<uint64_t>(std::llround(sample.objects));
  }
  return sites;
}

}  // namespace poolscope
