#include "poolscope/allocator/pool/buddy_tree.h"

#include <algorithm>
#include <cstring>

#include "poolscope/allocator/base/fatal.h"

namespace poolscope {
namespace pool_internal {
namespace {

// Of a power of two its logarithm, of a node its depth.
int Log2(uint32_t n) { return 31 - __builtin_clz(n); }

bool IsPowerOfTwo(uint32_t n) { return n != 0 && (n & (n - 1)) == 0; }

}  // namespace

size_t BuddyTree::TableBytes(uint32_t pages) { return size_t{3} * pages; }

BuddyTree::BuddyTree(uint32_t pages, uint8_t* memory)
    : PageLayout(pages),
      pages_(pages),
      max_order_(Log2(pages)),
      map_(memory),
      dirty_(memory + size_t{2} * pages) {
  for (uint32_t node = 1; node < 2 * pages; ++node) map_[node] = Log2(node);
}

uint32_t BuddyTree::longest_free_bound() const {
  return map_[1] == Unusable() ? 0 : pages_ >> map_[1];
}

void BuddyTree::UpdateAbove(uint32_t node) {
  // To the root each time: where a byte stays the same nothing above changes,
  // but a branch that leaves there is mispredicted too often to pay.
  for (; node > 1; node /= 2) {
    const uint8_t left = map_[node & ~1u];
    const uint8_t right = map_[node | 1];
    const int depth = Log2(node);
    map_[node / 2] =
        left == depth && right == depth ? depth - 1 : std::min(left, right);
  }
}

int64_t BuddyTree::AllocateRun(uint32_t pages, uint32_t alignment) {
  if (!IsPowerOfTwo(pages)) {
    Fatal("a buddy tree was asked for a run of %u pages, no power of two",
          pages);
  }
  const uint32_t span = std::max(pages, alignment);
  if (span > pages_) return kNone;
  const int depth = max_order_ - Log2(span);
  if (map_[1] > depth) return kNone;
  uint32_t node = 1;
  for (int d = 0; d < depth; ++d) {
    node *= 2;
    if (map_[node] > depth) ++node;
  }
  // The beginning of the span.
  node *= span / pages;
  map_[node] = Unusable();
  UpdateAbove(node);
  free_pages_ -= pages;
  return static_cast<int64_t>(node) * pages - pages_;
}

void BuddyTree::FreeRun(uint32_t offset, uint32_t pages) {
  const bool is_node = IsPowerOfTwo(pages) && offset % pages == 0 &&
                       offset < pages_ && pages <= pages_ - offset;
  const uint32_t node = is_node ? (pages_ + offset) / pages : 0;
  // A taken node has two free halves below it; with two taken ones it was
  // never given as a whole.
  if (!is_node || map_[node] != Unusable() ||
      (pages > 1 && map_[2 * node] == Unusable())) {
    Fatal("page run [%u, +%u) returned to a chunk that did not hand it out",
          offset, pages);
  }
  map_[node] = Log2(node);
  UpdateAbove(node);
  std::memset(dirty_ + offset, 1, pages);
  free_pages_ += pages;
}

bool BuddyTree::IsFree(uint32_t page) const {
  for (uint32_t node = pages_ + page; node > 0; node /= 2) {
    if (map_[node] == Unusable()) return false;
  }
  return true;
}

PageRun BuddyTree::NextDirty(uint32_t from) const {
  const auto purgeable = [this](uint32_t page) {
    return dirty_[page] != 0 && IsFree(page);
  };
  uint32_t start = from;
  while (start < pages_ && !purgeable(start)) ++start;
  uint32_t end = start;
  while (end < pages_ && purgeable(end)) ++end;
  return PageRun{start, end - start};
}

void BuddyTree::MarkClean(PageRun run) {
  std::memset(dirty_ + run.offset, 0, run.pages);
}

}  // namespace pool_internal
}  // namespace poolscope
