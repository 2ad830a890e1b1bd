#include "poolscope/examples/demo/chunk_holders.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "poolscope/examples/demo/byte_size.h"

namespace poolscope::demo {
namespace {

bool LessUsed(const ChunkStats& a, const ChunkStats& b) {
  if (a.used_bytes != b.used_bytes) return a.used_bytes < b.used_bytes;
  return a.id < b.id;
}

std::string ChunkLine(const ChunkStats& chunk, BlockCallSite call_site) {
  std::string line = absl::StrFormat(
      "    chunk %d of arena %d, %s: %d %% in use, pinned %s, cached %s",
      chunk.id, chunk.arena, ChunkListName(chunk.list), chunk.usage_percent,
      FormatByteSize(chunk.pinned_bytes), FormatByteSize(chunk.cached_bytes));
  const OldestSample& oldest = chunk.oldest_sample;
  if (oldest.id != 0) {
    const std::string name = call_site(oldest.id);
    absl::StrAppendFormat(&line, "; oldest sampled %.1f s, by %s",
                          oldest.age_seconds,
                          name.empty() ? "an unknown function" : name);
  }
  return line + "\n";
}

}  // namespace

ChunkHolders FindChunkHolders(const AllocatorStats& stats) {
  ChunkHolders holders;
  holders.chunks = stats.chunks.size();
  for (const ChunkStats& chunk : stats.chunks) {
    if (chunk.usage_percent == 0) ++holders.empty;
    if (chunk.usage_percent == 0 || chunk.usage_percent > kLowUsePercent) {
      continue;
    }
    holders.low_use.push_back(chunk);
    holders.mapped_bytes += chunk.size_bytes;
    holders.pinned_bytes += chunk.pinned_bytes;
    holders.cached_bytes += chunk.cached_bytes;
    const bool pinned = chunk.pinned_bytes > 0;
    const bool cached = chunk.cached_bytes > 0;
    ++(pinned && cached ? holders.held_by_both
       : pinned         ? holders.held_by_pinned
       : cached         ? holders.held_by_cached
                        : holders.held_by_slabs);
  }
  std::sort(holders.low_use.begin(), holders.low_use.end(), LessUsed);
  return holders;
}

std::string ChunkHoldersText(const ChunkHolders& holders, size_t max_chunks,
                             BlockCallSite call_site) {
  std::string text = absl::StrFormat(
      "%d chunks, %d empty, %d at low use (1 to %d %%)\n", holders.chunks,
      holders.empty, holders.low_use.size(), kLowUsePercent);
  if (holders.low_use.empty()) return text;
  absl::StrAppendFormat(
      &text,
      "    these keep %s mapped for %s pinned and %s cached; held by pinned "
      "blocks alone %d, by cached alone %d, by both %d, by slabs without a "
      "block %d\n",
      FormatByteSize(holders.mapped_bytes),
      FormatByteSize(holders.pinned_bytes),
      FormatByteSize(holders.cached_bytes), holders.held_by_pinned,
      holders.held_by_cached, holders.held_by_both, holders.held_by_slabs);
  const size_t shown = std::min(max_chunks, holders.low_use.size());
  for (size_t i = 0; i < shown; ++i) {
    absl::StrAppend(&text, ChunkLine(holders.low_use[i], call_site));
  }
  if (shown < holders.low_use.size()) {
    absl::StrAppendFormat(&text, "    and %d more\n",
                          holders.low_use.size() - shown);
  }
  return text;
}

}  // namespace poolscope::demo
