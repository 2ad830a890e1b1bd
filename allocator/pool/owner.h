// Owner: whoever may work on a run of pages: a thread cache, or an arena.
//
// Every owner has an id that is unique in the process and never used twice, so
// that the owner written in a page word can be compared with the calling
// thread's cache alone, and a cache of another allocator never matches.
//
// Thread safety: an Owner's members are constant after construction; the
// directory is thread-safe.
#ifndef POOLSCOPE_ALLOCATOR_POOL_OWNER_H_
#define POOLSCOPE_ALLOCATOR_POOL_OWNER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "poolscope/allocator/pool/pool_range.h"
#include "poolscope/allocator/pool/segment.h"

namespace poolscope {
namespace pool_internal {

class Arena;

struct Owner {
  OwnerId id = kNoOwner;
  bool is_arena = false;
};

// From an id to its owner, in two dependent loads: only a free by a thread
// other than the owner asks. 2^24 owners at most.
class OwnerDirectory {
 public:
  // Gives `owner` an id. False when a table could not be mapped or the ids are
  // used up. The owner must stay in place until Remove().
  [[nodiscard]] static bool Add(Owner* owner);
  static void Remove(const Owner& owner);

  // Null when the id was never given out or its owner is gone.
  static Owner* Find(OwnerId id) {
    const uint32_t index = id >> 1;
    // Acquire: the caller goes on to read the owner.
    Leaf* leaf =
        roots_[index / kLeafEntries % kRoots].load(std::memory_order_acquire);
    if (leaf == nullptr) return nullptr;
    return leaf->owners[index % kLeafEntries].load(std::memory_order_acquire);
  }

  // The tables themselves.
  static void AppendRanges(std::vector<PoolRange>* ranges);

 private:
  static constexpr size_t kLeafEntries = 2048;
  static constexpr size_t kRoots = 8192;

  struct Leaf {
    std::atomic<Owner*> owners[kLeafEntries];
  };

  static std::atomic<Leaf*> roots_[kRoots];
};

}  // namespace pool_internal
}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_POOL_OWNER_H_
