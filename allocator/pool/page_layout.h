// PageLayout: how a chunk's pages are cut into runs.
//
// The seam between a chunk and the two ways of keeping its free pages: page
// runs (page_runs.h) and a buddy tree (buddy_tree.h). Offsets and lengths are
// pages.
//
// Thread safety: thread-compatible; the arena's lock is held around every call.
#ifndef POOLSCOPE_ALLOCATOR_POOL_PAGE_LAYOUT_H_
#define POOLSCOPE_ALLOCATOR_POOL_PAGE_LAYOUT_H_

#include <cstdint>

namespace poolscope {
namespace pool_internal {

struct PageRun {
  uint32_t offset = 0;
  uint32_t pages = 0;  // 0: none
};

class PageLayout {
 public:
  static constexpr int64_t kNone = -1;

  virtual ~PageLayout() = default;

  // The offset of a run of `pages` pages at a multiple of `alignment` pages (a
  // power of two), or kNone. A buddy tree serves powers of two only.
  [[nodiscard]] virtual int64_t AllocateRun(uint32_t pages,
                                            uint32_t alignment) = 0;

  // Takes back exactly what AllocateRun() gave.
  virtual void FreeRun(uint32_t offset, uint32_t pages) = 0;

  uint32_t free_pages() const { return free_pages_; }

  // No run longer than this is free; may be higher than the longest.
  virtual uint32_t longest_free_bound() const = 0;

  // The first free run at or after `from` whose memory may hold pages of the
  // operating system (it was handed out since it was last purged).
  virtual PageRun NextDirty(uint32_t from) const = 0;
  // Says that a free run's memory was given back.
  virtual void MarkClean(PageRun run) = 0;

  // Whether a page is part of a free run, for invariants.
  virtual bool IsFree(uint32_t page) const = 0;

 protected:
  explicit PageLayout(uint32_t pages) : free_pages_(pages) {}

  uint32_t free_pages_;
};

}  // namespace pool_internal
}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_POOL_PAGE_LAYOUT_H_
