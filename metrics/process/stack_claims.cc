#include "poolscope/metrics/process/stack_claims.h"

#include <algorithm>
#include <cstddef>
#include <optional>

#include "absl/strings/str_cat.h"

namespace poolscope {
namespace {

constexpr uint64_t kPageBytes = 4096;
// More than any guard: PROT_NONE below a stack that is larger is not its own.
constexpr uint64_t kMostGuardBytes = 1 << 20;
constexpr uint64_t kMostMainTlsBytes = 256 << 10;

bool IsPrivateMemory(const Mapping& mapping) {
  return mapping.readable && mapping.writable && !mapping.shared &&
         mapping.inode == 0 && (mapping.name.empty() || mapping.name[0] != '/');
}

class StackFinder {
 public:
  StackFinder(absl::Span<const Mapping> mappings, uint64_t default_stack_bytes,
              absl::FunctionRef<bool(uint64_t, absl::Span<uint64_t>)> read)
      : mappings_(mappings),
        default_stack_bytes_(default_stack_bytes),
        read_words_(read) {}

  void AddThread(const ThreadAnchor& thread) {
    const auto after = std::upper_bound(
        mappings_.begin(), mappings_.end(), thread.address,
        [](uint64_t address, const Mapping& m) { return address < m.start; });
    if (after == mappings_.begin()) return;
    const size_t index = after - mappings_.begin() - 1;
    const Mapping& mapping = mappings_[index];
    if (thread.address >= mapping.end || !IsPrivateMemory(mapping) ||
        mapping.name == "[heap]") {
      return;
    }
    if (thread.main_thread) {
      if (mapping.bytes() > kMostMainTlsBytes) return;
      Add(mapping.start, mapping.end, "thread-local storage of the program");
      return;
    }
    uint64_t top = thread.stack_end;
    uint64_t bottom = thread.stack_start;
    if (top == 0) {
      top = std::min(mapping.end, (thread.address | (kPageBytes - 1)) + 1);
      bottom = GuardStart(index);
      if (bottom == mapping.start && top - bottom > default_stack_bytes_) {
        bottom = top - default_stack_bytes_;
      }
    }
    Add(bottom, top, absl::StrCat("thread ", thread.thread_id));
    // Of a stack that glibc mapped: how the program places its own is its own.
    if (!from_top_.has_value() && GuardStart(index) != mapping.start &&
        top == mapping.end && IsDescriptor(thread.descriptor, mapping.start)) {
      from_top_ = top - thread.descriptor;
    }
  }

  // After the threads that live: from them it is known how far from a stack's
  // end a descriptor lies.
  void AddEndedThreads() {
    if (!from_top_.has_value()) return;
    for (size_t i = 1; i < mappings_.size(); ++i) {
      const Mapping& mapping = mappings_[i];
      if (!IsPrivateMemory(mapping) || GuardStart(i) == mapping.start ||
          mapping.bytes() < *from_top_ ||
          !IsDescriptor(mapping.end - *from_top_, mapping.start)) {
        continue;
      }
      Add(GuardStart(i), mapping.end, "kept for the next thread");
    }
  }

  // Disjoint: a stack that reaches down into another's begins above it.
  std::vector<MemoryClaim> Take() {
    std::stable_sort(claims_.begin(), claims_.end(),
                     [](const MemoryClaim& a, const MemoryClaim& b) {
                       return a.end < b.end;
                     });
    std::vector<MemoryClaim> disjoint;
    uint64_t covered = 0;
    for (MemoryClaim& claim : claims_) {
      claim.start = std::max(claim.start, covered);
      if (claim.start >= claim.end) continue;
      covered = claim.end;
      disjoint.push_back(std::move(claim));
    }
    return disjoint;
  }

 private:
  // The start of the guard below the mapping; that of the mapping where there
  // is none.
  uint64_t GuardStart(size_t index) const {
    const Mapping& mapping = mappings_[index];
    if (index == 0) return mapping.start;
    const Mapping& below = mappings_[index - 1];
    return below.end == mapping.start && !below.accessible() &&
                   below.bytes() <= kMostGuardBytes
               ? below.start
               : mapping.start;
  }

  bool IsDescriptor(uint64_t address, uint64_t not_below) const {
    uint64_t words[3];
    return address % sizeof(words[0]) == 0 && address >= not_below &&
           read_words_(address, absl::MakeSpan(words)) && words[0] == address &&
           words[2] == address;
  }

  void Add(uint64_t start, uint64_t end, std::string detail) {
    claims_.push_back(
        {start, end, MemoryOwner::kThreadStacks, std::move(detail)});
  }

  const absl::Span<const Mapping> mappings_;
  const uint64_t default_stack_bytes_;
  const absl::FunctionRef<bool(uint64_t, absl::Span<uint64_t>)> read_words_;
  // From a descriptor to the end of its stack.
  std::optional<uint64_t> from_top_;
  std::vector<MemoryClaim> claims_;
};

}  // namespace

std::vector<MemoryClaim> StackClaims(
    absl::Span<const Mapping> mappings, absl::Span<const ThreadAnchor> threads,
    uint64_t default_stack_bytes,
    absl::FunctionRef<bool(uint64_t address, absl::Span<uint64_t> words)>
        read_words) {
  StackFinder finder(mappings, default_stack_bytes, read_words);
  for (const ThreadAnchor& thread : threads) finder.AddThread(thread);
  finder.AddEndedThreads();
  return finder.Take();
}

}  // namespace poolscope
