#include "poolscope/metrics/process/attribution.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "poolscope/metrics/process/glibc_blocks.h"
#include "poolscope/metrics/process/stack_claims.h"

namespace poolscope {
namespace {

constexpr uint64_t kPageBytes = 4096;

// None for private memory that has no name, or only a label: the program's, or
// the kernel's for MAP_HUGETLB.
std::optional<MemoryOwner> OwnerByName(const Mapping& mapping) {
  const absl::string_view name = mapping.name;
  const bool unnamed = name.empty() || absl::StartsWith(name, "[anon:") ||
                       absl::StartsWith(name, "/anon_hugepage");
  if (mapping.executable) return MemoryOwner::kCode;
  if (absl::StartsWith(name, "[stack")) return MemoryOwner::kThreadStacks;
  if (mapping.shared && (unnamed || absl::StartsWith(name, "/dev/zero") ||
                         absl::StartsWith(name, "[anon_shmem:"))) {
    return MemoryOwner::kSharedMemory;
  }
  if (unnamed) return std::nullopt;
  if (name[0] == '[') return MemoryOwner::kCode;  // what the kernel brings
  for (const absl::string_view start : {"/dev/shm/", "/memfd:", "/SYSV"}) {
    if (absl::StartsWith(name, start)) return MemoryOwner::kSharedMemory;
  }
  return MemoryOwner::kMappedFiles;
}

// Disjoint and ascending.
std::vector<MemoryClaim> Disjoint(absl::Span<const MemoryClaim> claims) {
  std::vector<MemoryClaim> sorted(claims.begin(), claims.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const MemoryClaim& a, const MemoryClaim& b) {
                     return a.start < b.start;
                   });
  size_t kept = 0;
  uint64_t covered = 0;
  for (MemoryClaim& claim : sorted) {
    claim.start = std::max(claim.start, covered);
    if (claim.start >= claim.end) continue;
    covered = claim.end;
    if (&sorted[kept] != &claim) sorted[kept] = std::move(claim);
    ++kept;
  }
  sorted.resize(kept);
  return sorted;
}

// Claims on ascending ranges, one after the other.
class Layer {
 public:
  explicit Layer(std::vector<MemoryClaim> claims)
      : claims_(std::move(claims)) {}

  // Calls on_claim(start, end, claim) and on_gap(start, end) for the parts of
  // [start, end), in order. A range must not begin below the end of the last.
  template <typename OnClaim, typename OnGap>
  void Cut(uint64_t start, uint64_t end, OnClaim&& on_claim, OnGap&& on_gap) {
    while (start < end) {
      while (next_ < claims_.size() && claims_[next_].end <= start) ++next_;
      if (next_ == claims_.size() || claims_[next_].start >= end) {
        on_gap(start, end);
        return;
      }
      const MemoryClaim& claim = claims_[next_];
      if (claim.start > start) {
        on_gap(start, claim.start);
        start = claim.start;
      }
      const uint64_t stop = std::min(end, claim.end);
      on_claim(start, stop, claim);
      start = stop;
    }
  }

 private:
  const std::vector<MemoryClaim> claims_;
  size_t next_ = 0;
};

class Attributor {
 public:
  explicit Attributor(const AttributionInput& input)
      : input_(input),
        claims_(Disjoint(input.claims)),
        stacks_(StackClaims(input.mappings, input.threads,
                            input.default_stack_bytes, input.read_words)) {}

  std::vector<OwnedRange> Run() {
    ranges_.reserve(input_.mappings.size());
    for (index_ = 0; index_ < input_.mappings.size(); ++index_) {
      first_ = ranges_.size();
      const auto on_claim = [this](uint64_t start, uint64_t end,
                                   const MemoryClaim& claim) {
        Add(start, end, claim.owner, start == claim.start, claim.detail);
      };
      claims_.Cut(mapping().start, mapping().end, on_claim,
                  [&](uint64_t start, uint64_t end) {
                    stacks_.Cut(start, end, on_claim,
                                [this](uint64_t from, uint64_t to) {
                                  AddUnclaimed(from, to);
                                });
                  });
      ShareResident();
    }
    return std::move(ranges_);
  }

 private:
  const Mapping& mapping() const { return input_.mappings[index_]; }

  // To the range before, where that is of the same mapping and owner. Stacks
  // stay apart: each is a thread's.
  void Add(uint64_t start, uint64_t end, MemoryOwner owner, uint64_t live,
           absl::string_view detail = "") {
    if (ranges_.size() > first_ && ranges_.back().owner == owner &&
        owner != MemoryOwner::kThreadStacks) {
      OwnedRange& last = ranges_.back();
      last.end = end;
      last.live_count += live;
      if (last.detail != detail) last.detail.clear();
      return;
    }
    OwnedRange& range = ranges_.emplace_back();
    range.start = start;
    range.end = end;
    range.mapping = index_;
    range.owner = owner;
    range.live_count = live;
    range.detail = std::string(detail);
  }

  void AddUnclaimed(uint64_t start, uint64_t end) {
    if (mapping().name == "[heap]") {
      Add(start, end,
          input_.malloc_is_glibc ? MemoryOwner::kGlibcHeap
                                 : MemoryOwner::kOtherMalloc,
          1);
    } else if (const auto owner = OwnerByName(mapping()); owner.has_value()) {
      Add(start, end, *owner, 1);
    } else if (!input_.malloc_is_glibc) {
      Add(start, end, MemoryOwner::kUnknown, 1);
    } else if (!mapping().accessible()) {
      AddReserved(start, end);
    } else {
      AddPrivate(start, end);
    }
  }

  // What follows the writable part of a heap of glibc, up to its 64 MiB.
  void AddReserved(uint64_t start, uint64_t end) {
    if (start < heap_end_) {
      const uint64_t stop = std::min(end, heap_end_);
      Add(start, stop, MemoryOwner::kGlibcThreadArenas, 0);
      start = stop;
    }
    if (start < end) Add(start, end, MemoryOwner::kUnknown, 1);
  }

  // Heaps and chunks of glibc, one behind the other, and what begins with
  // neither: up to where the next heap could begin, it is unknown.
  void AddPrivate(uint64_t start, uint64_t end) {
    // Nothing was written to it yet, and reading would fault it in.
    if (!mapping().writable || mapping().resident_bytes == 0) {
      Add(start, end, MemoryOwner::kUnknown, 1);
      return;
    }
    // The rest of a heap or chunk in which the program has put a stack.
    if (start < block_end_) {
      const uint64_t stop = std::min(end, block_end_);
      Add(start, stop, block_owner_, 0);
      start = stop;
    }
    bool chunks = true;
    while (start < end) {
      if (const uint64_t bytes = HeapBytesAt(start, end)) {
        heap_end_ = start + kGlibcHeapAlignment;
        start = AddBlock(start, end, bytes, MemoryOwner::kGlibcThreadArenas);
      } else if (const uint64_t bytes = chunks ? MmappedBytesAt(start) : 0) {
        start = AddBlock(start, end, bytes, MemoryOwner::kGlibcMmapped);
      } else {
        const uint64_t stop = std::min(
            end, (start / kGlibcHeapAlignment + 1) * kGlibcHeapAlignment);
        Add(start, stop, MemoryOwner::kUnknown, chunks);
        start = stop;
        chunks = false;
      }
    }
  }

  // What of it is below `end`; the end of that.
  uint64_t AddBlock(uint64_t start, uint64_t end, uint64_t bytes,
                    MemoryOwner owner) {
    block_end_ = std::min(mapping().end, start + bytes);
    block_owner_ = owner;
    const uint64_t stop = std::min(end, block_end_);
    Add(start, stop, owner, 1);
    return stop;
  }

  uint64_t HeapBytesAt(uint64_t start, uint64_t end) const {
    if (start % kGlibcHeapAlignment != 0) return 0;
    std::array<uint64_t, kGlibcHeapWords> words;
    if (input_.read_words(start, absl::MakeSpan(words))) {
      return GlibcHeapBytes(start, words);
    }
    // Where memory cannot be read: what is reserved behind it, up to a
    // multiple of 64 MiB exactly, says enough.
    if (end != mapping().end || index_ + 1 == input_.mappings.size()) return 0;
    const Mapping& above = input_.mappings[index_ + 1];
    return !above.accessible() && above.start == end &&
                   above.end == start + kGlibcHeapAlignment
               ? end - start
               : 0;
  }

  uint64_t MmappedBytesAt(uint64_t start) const {
    std::array<uint64_t, kGlibcChunkWords> words;
    return input_.read_words(start, absl::MakeSpan(words))
               ? GlibcMmappedBytes(words, mapping().end - start)
               : 0;
  }

  // Of the mapping, to its ranges.
  void ShareResident() {
    const absl::Span<OwnedRange> ranges =
        absl::MakeSpan(ranges_).subspan(first_);
    uint64_t left = mapping().resident_bytes;
    if (ranges.size() == 1 || left == 0) {
      if (!ranges.empty()) ranges[0].resident_bytes = left;
      return;
    }
    OwnedRange& largest =
        *std::max_element(ranges.begin(), ranges.end(),
                          [](const OwnedRange& a, const OwnedRange& b) {
                            return a.bytes() < b.bytes();
                          });
    for (OwnedRange& range : ranges) {
      range.resident_is_estimate = true;
      if (&range == &largest) continue;
      range.resident_bytes = std::min(left, Measured(range));
      left -= range.resident_bytes;
    }
    largest.resident_bytes = std::min(left, largest.bytes());
    left -= largest.resident_bytes;
    // The rest was measured after the mapping, and has shrunk since.
    for (OwnedRange& range : ranges) {
      const uint64_t more =
          std::min(left, range.bytes() - range.resident_bytes);
      range.resident_bytes += more;
      left -= more;
    }
    largest.resident_bytes += left;  // more than there is room for: as it says
  }

  uint64_t Measured(const OwnedRange& range) const {
    const std::optional<uint64_t> measured =
        input_.resident_bytes(range.start, range.end);
    if (measured.has_value()) return std::min(*measured, range.bytes());
    const double share = static_cast<double>(range.bytes()) / mapping().bytes();
    return static_cast<uint64_t>(share * mapping().resident_bytes) /
           kPageBytes * kPageBytes;
  }

  const AttributionInput& input_;
  Layer claims_;
  Layer stacks_;
  std::vector<OwnedRange> ranges_;
  size_t index_ = 0;       // of the mapping
  size_t first_ = 0;       // of its ranges
  uint64_t heap_end_ = 0;  // of the last heap of glibc that was found
  // Of the last heap or chunk, within its mapping.
  uint64_t block_end_ = 0;
  MemoryOwner block_owner_ = MemoryOwner::kUnknown;
};

}  // namespace

std::vector<OwnedRange> Attribute(const AttributionInput& input) {
  return Attributor(input).Run();
}

}  // namespace poolscope
