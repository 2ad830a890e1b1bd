#include "poolscope/metrics/native_memory/memory_walk.h"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/types/span.h"
#include "poolscope/allocator/base/clock.h"
#include "poolscope/metrics/native_memory/printable_name.h"
#include "poolscope/metrics/process/attribution.h"
#include "poolscope/metrics/process/loaded_objects.h"
#include "poolscope/metrics/process/own_memory.h"
#include "poolscope/metrics/process/thread_anchors.h"

namespace poolscope {
namespace {

// Between two looks at the clock.
constexpr uint64_t kMeasuredAtOnceBytes = uint64_t{1} << 30;

absl::Status TooLate(size_t mappings) {
  return absl::DeadlineExceededError(
      absl::StrCat("the walk over the mappings was given up after ", mappings,
                   " of them: it took longer than its budget"));
}

MemoryOwner OwnerOf(PoolRange::Use use) {
  switch (use) {
    case PoolRange::Use::kChunk:
      return MemoryOwner::kPoolArenas;
    case PoolRange::Use::kHuge:
      return MemoryOwner::kPoolHuge;
    case PoolRange::Use::kMetadata:
      break;
  }
  return MemoryOwner::kPoolMetadata;
}

std::string Permissions(const Mapping& mapping) {
  return {mapping.readable ? 'r' : '-', mapping.writable ? 'w' : '-',
          mapping.executable ? 'x' : '-', mapping.shared ? 's' : 'p'};
}

uint64_t DefaultStackBytes() {
  size_t bytes = size_t{8} << 20;
  pthread_attr_t attributes;
  if (pthread_getattr_default_np(&attributes) == 0) {
    pthread_attr_getstacksize(&attributes, &bytes);
    pthread_attr_destroy(&attributes);
  }
  return bytes;
}

// For ever, in nanoseconds that can be added.
constexpr absl::Duration kLongestBudget = absl::Hours(24 * 365);

// Longer ones are cut: tens of thousands of mappings may have a path of 4,095.
constexpr size_t kMostNameBytes = 512;

void CutName(std::string* name) {
  if (name->size() <= kMostNameBytes) return;
  size_t end = kMostNameBytes - 3;
  // Not within a character.
  while (end > 0 && ((*name)[end] & 0xc0) == 0x80) --end;
  name->resize(end);
  name->append("...");
}

OwnedMapping Described(const Mapping& mapping, const OwnedRange& range) {
  OwnedMapping owned;
  owned.start = range.start;
  owned.end = range.end;
  owned.permissions = Permissions(mapping);
  owned.name = PrintableName(mapping.name);
  owned.resident_bytes = range.resident_bytes;
  owned.category = std::string(MemoryOwnerName(range.owner));
  owned.detail = range.detail;
  return owned;
}

std::vector<OwnedMapping> LargestUnknown(absl::Span<const Mapping> mappings,
                                         absl::Span<const OwnedRange> ranges) {
  std::vector<const OwnedRange*> unknown;
  for (const OwnedRange& range : ranges) {
    if (range.owner == MemoryOwner::kUnknown && range.resident_bytes > 0) {
      unknown.push_back(&range);
    }
  }
  const size_t count =
      std::min(unknown.size(), NativeMemoryStats::kMostUnknown);
  std::partial_sort(unknown.begin(), unknown.begin() + count, unknown.end(),
                    [](const OwnedRange* a, const OwnedRange* b) {
                      return std::pair(b->resident_bytes, a->start) <
                             std::pair(a->resident_bytes, b->start);
                    });
  std::vector<OwnedMapping> largest;
  for (size_t i = 0; i < count; ++i) {
    largest.push_back(Described(mappings[unknown[i]->mapping], *unknown[i]));
  }
  return largest;
}

// Rows of the owners, and the sum of what is resident.
void AddUp(absl::Span<const Mapping> mappings,
           absl::Span<const OwnedRange> ranges, uint64_t threads,
           bool malloc_is_glibc, NativeMemoryStats* stats) {
  std::array<NativeMemoryCategoryStats, kMemoryOwnerCount> categories;
  for (const OwnedRange& range : ranges) {
    NativeMemoryCategoryStats& category =
        categories[static_cast<size_t>(range.owner)];
    category.mmap_reserved_bytes += range.bytes();
    if (mappings[range.mapping].accessible()) {
      category.mmap_committed_bytes += range.bytes();
    }
    category.resident_bytes += range.resident_bytes;
    category.resident_is_estimate |= range.resident_is_estimate;
    category.live_count += range.live_count;
    stats->resident_bytes += range.resident_bytes;
  }
  for (size_t i = 0; i < kMemoryOwnerCount; ++i) {
    const auto owner = static_cast<MemoryOwner>(i);
    if (owner == MemoryOwner::kOtherMalloc && malloc_is_glibc) continue;
    NativeMemoryCategoryStats& category = categories[i];
    category.name = std::string(MemoryOwnerName(owner));
    if (owner == MemoryOwner::kThreadStacks) category.threads = threads;
    stats->categories.push_back(std::move(category));
  }
}

}  // namespace

MemoryWalk::MemoryWalk(MemoryWalkOptions options)
    : options_(std::move(options)) {}

absl::Status MemoryWalk::ReadMappings(int64_t deadline_nanos,
                                      std::vector<Mapping>* mappings) const {
  bool late = false;
  const absl::Status read =
      ReadSmaps(options_.proc_root, [&](const Mapping& mapping) {
        // One that was merged with the mapping before it, while that was being
        // shown, is shown again.
        const uint64_t covered = mappings->empty() ? 0 : mappings->back().end;
        if (mapping.end > covered) {
          Mapping& added = mappings->emplace_back(mapping);
          CutName(&added.name);
          added.start = std::max(added.start, covered);
          added.resident_bytes = std::min(added.resident_bytes, added.bytes());
        }
        late = PreciseNanos() > deadline_nanos;
        return !late;
      });
  return late ? TooLate(mappings->size()) : read;
}

void MemoryWalk::AppendPoolClaims(std::vector<MemoryClaim>* claims) const {
  if (options_.pool_ranges == nullptr) return;
  for (const PoolRange& range : options_.pool_ranges()) {
    claims->push_back({range.base, range.base + range.bytes, OwnerOf(range.use),
                       range.arena == PoolRange::kNoArena
                           ? std::string()
                           : absl::StrCat("arena ", range.arena)});
  }
}

absl::StatusOr<NativeMemoryStats> MemoryWalk::Take(Detail detail,
                                                   absl::Duration budget) {
  const absl::Time begun = absl::Now();
  const int64_t begun_nanos = PreciseNanos();
  const int64_t deadline_nanos =
      begun_nanos + absl::ToInt64Nanoseconds(std::min(budget, kLongestBudget));
  std::vector<Mapping> mappings;
  // Before and after, so that neither what the pool maps meanwhile nor what it
  // unmaps is taken for another's.
  std::vector<MemoryClaim> claims;
  AppendPoolClaims(&claims);
  const absl::Status read = ReadMappings(deadline_nanos, &mappings);
  if (!read.ok()) return read;
  AppendPoolClaims(&claims);
  for (const LoadedSegment& segment : ReadLoadedSegments()) {
    claims.push_back({segment.begin, segment.end, MemoryOwner::kCode, ""});
  }
  const std::vector<ThreadAnchor> threads =
      ReadThreadAnchors(options_.proc_root);

  const bool malloc_is_glibc =
      options_.malloc_is_glibc == nullptr || options_.malloc_is_glibc();
  // Once it is late these answer nothing, so that attribution soon ends.
  const auto is_late = [&] { return PreciseNanos() > deadline_nanos; };
  const OwnPages pages(options_.proc_root);
  const auto read_words = [&](uint64_t address, absl::Span<uint64_t> words) {
    return !is_late() && pages.Filled(address) && ReadOwnWords(address, words);
  };
  const auto resident_bytes = [&](uint64_t start,
                                  uint64_t end) -> std::optional<uint64_t> {
    uint64_t sum = 0;
    for (uint64_t stop; start < end; start = stop) {
      stop = std::min(end, start + kMeasuredAtOnceBytes);
      const auto measured =
          is_late() ? std::nullopt : OwnResidentBytes(start, stop);
      if (!measured.has_value()) return std::nullopt;
      sum += *measured;
    }
    return sum;
  };
  const std::vector<OwnedRange> ranges =
      Attribute({mappings, claims, threads, DefaultStackBytes(),
                 malloc_is_glibc, read_words, resident_bytes});
  if (is_late()) return TooLate(mappings.size());

  NativeMemoryStats stats;
  stats.walk_id = ++walks_;
  stats.walked_at_unix_nanos = absl::ToUnixNanos(begun);
  stats.mapping_count = mappings.size();
  AddUp(mappings, ranges, threads.size(), malloc_is_glibc, &stats);
  stats.largest_unknown = LargestUnknown(mappings, ranges);
  if (detail == Detail::kMappings) {
    stats.mappings.reserve(ranges.size());
    for (const OwnedRange& range : ranges) {
      stats.mappings.push_back(Described(mappings[range.mapping], range));
    }
  }
  stats.walk_seconds = 1e-9 * (PreciseNanos() - begun_nanos);
  return stats;
}

}  // namespace poolscope
