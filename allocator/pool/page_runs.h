// PageRuns: a chunk's pages as one bit each.
//
//   page      0 1 2 3 4 5 6 7 ...
//   free      0 0 1 1 1 0 1 1     a free run is a maximal row of ones: freeing
//   dirty     1 1 1 0 0 1 1 0     coalesces without doing anything
//
// AllocateRun() takes the shortest free run that fits and, among equals, the
// lowest offset, cut from its low end. It scans the bits: 512 pages are eight
// words, some tens of nanoseconds, and `longest_free_bound` spares the scan of
// a chunk that cannot serve.
//
// Thread safety: thread-compatible, under the arena's lock.
#ifndef POOLSCOPE_ALLOCATOR_POOL_PAGE_RUNS_H_
#define POOLSCOPE_ALLOCATOR_POOL_PAGE_RUNS_H_

#include <cstddef>
#include <cstdint>

#include "poolscope/allocator/pool/page_layout.h"

namespace poolscope {
namespace pool_internal {

class PageRuns final : public PageLayout {
 public:
  // Bytes that the constructor's `bits` must point to, zeroed.
  static size_t BitsBytes(uint32_t pages);

  // All pages free and clean. `bits` must outlive this.
  PageRuns(uint32_t pages, uint64_t* bits);

  int64_t AllocateRun(uint32_t pages, uint32_t alignment) override;
  void FreeRun(uint32_t offset, uint32_t pages) override;
  uint32_t longest_free_bound() const override { return longest_bound_; }
  PageRun NextDirty(uint32_t from) const override;
  void MarkClean(PageRun run) override;
  bool IsFree(uint32_t page) const override {
    return (free_[page / 64] >> page % 64 & 1) != 0;
  }

 private:
  // First page at or after `from` whose bit in `bits` equals `set`, or pages_.
  uint32_t Find(const uint64_t* bits, uint32_t from, bool set) const;
  static void Assign(uint64_t* bits, uint32_t offset, uint32_t pages, bool set);

  const uint32_t pages_;
  uint64_t* const free_;
  uint64_t* const dirty_;
  uint32_t longest_bound_;
};

}  // namespace pool_internal
}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_POOL_PAGE_RUNS_H_
