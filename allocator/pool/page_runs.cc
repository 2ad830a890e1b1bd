#include "poolscope/allocator/pool/page_runs.h"

#include <algorithm>

#include "poolscope/allocator/base/fatal.h"

namespace poolscope {
namespace pool_internal {
namespace {

size_t Words(uint32_t pages) { return (pages + 63) / 64; }

}  // namespace

size_t PageRuns::BitsBytes(uint32_t pages) {
  return 2 * Words(pages) * sizeof(uint64_t);
}

PageRuns::PageRuns(uint32_t pages, uint64_t* bits)
    : PageLayout(pages),
      pages_(pages),
      free_(bits),
      dirty_(bits + Words(pages)),
      longest_bound_(pages) {
  Assign(free_, 0, pages, true);
}

uint32_t PageRuns::Find(const uint64_t* bits, uint32_t from, bool set) const {
  if (from >= pages_) return pages_;
  const uint64_t flip = set ? 0 : ~uint64_t{0};
  uint32_t word = from / 64;
  uint64_t rest = (bits[word] ^ flip) & (~uint64_t{0} << from % 64);
  while (rest == 0) {
    if (++word == Words(pages_)) return pages_;
    rest = bits[word] ^ flip;
  }
  return std::min<uint32_t>(pages_, word * 64 + __builtin_ctzll(rest));
}

void PageRuns::Assign(uint64_t* bits, uint32_t offset, uint32_t pages,
                      bool set) {
  while (pages > 0) {
    const uint32_t bit = offset % 64;
    const uint32_t count = std::min(pages, 64 - bit);
    const uint64_t mask =
        (count == 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1) << bit;
    if (set) {
      bits[offset / 64] |= mask;
    } else {
      bits[offset / 64] &= ~mask;
    }
    offset += count;
    pages -= count;
  }
}

int64_t PageRuns::AllocateRun(uint32_t pages, uint32_t alignment) {
  if (pages > longest_bound_) return kNone;
  uint32_t best_length = pages_ + 1;
  uint32_t best_start = 0;
  uint32_t longest = 0;
  for (uint32_t start = Find(free_, 0, true); start < pages_;) {
    const uint32_t end = Find(free_, start, false);
    const uint32_t length = end - start;
    longest = std::max(longest, length);
    const uint32_t aligned = (start + alignment - 1) & ~(alignment - 1);
    if (aligned + pages <= end && length < best_length) {
      best_length = length;
      best_start = aligned;
      if (length == pages) break;
    }
    start = Find(free_, end, true);
  }
  if (best_length > pages_) {
    longest_bound_ = longest;
    return kNone;
  }
  Assign(free_, best_start, pages, false);
  free_pages_ -= pages;
  longest_bound_ = std::min(longest_bound_, free_pages_);
  return best_start;
}

void PageRuns::FreeRun(uint32_t offset, uint32_t pages) {
  if (Find(free_, offset, true) < offset + pages) {
    Fatal("page run [%u, +%u) returned to a chunk that has part of it free",
          offset, pages);
  }
  Assign(free_, offset, pages, true);
  Assign(dirty_, offset, pages, true);
  free_pages_ += pages;
  uint32_t start = offset;
  while (start > 0 && IsFree(start - 1)) {
    // Whole words at a time where all of one is free.
    const bool word = start % 64 == 0 && free_[start / 64 - 1] == ~uint64_t{0};
    start -= word ? 64 : 1;
  }
  longest_bound_ = std::max(longest_bound_, Find(free_, offset, false) - start);
}

PageRun PageRuns::NextDirty(uint32_t from) const {
  for (uint32_t start = Find(dirty_, from, true); start < pages_;
       start = Find(dirty_, start + 1, true)) {
    if (!IsFree(start)) continue;
    const uint32_t end =
        std::min(Find(dirty_, start, false), Find(free_, start, false));
    return PageRun{start, end - start};
  }
  return PageRun{};
}

void PageRuns::MarkClean(PageRun run) {
  Assign(dirty_, run.offset, run.pages, false);
}

}  // namespace pool_internal
}  // namespace poolscope
