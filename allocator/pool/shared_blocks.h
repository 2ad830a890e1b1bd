// SharedBlocks: freed large blocks that any thread of the allocator may take.
//
//   class   8 KiB   RunInfo -> RunInfo -> null     linked by RunInfo::next
//          14 KiB   RunInfo -> null
//
// Each arena has one. A block of a class with runs of its own, freed by another
// thread than its owner, waits here instead of in the queue of an owner that
// may be asleep; so does what a thread leaves when it says that it is idle. A
// thread whose magazine is empty takes from its arena's blocks, then from those
// of other arenas, before memory is touched that nobody had.
//
// All blocks are the arena's and not in use. At most kMaxBytes are kept: the
// caller frees the pages of what Push() refuses.
//
// Thread safety: Has() and bytes() from any thread; all else under the arena's
// lock. Owns nothing.
#ifndef POOLSCOPE_ALLOCATOR_POOL_SHARED_BLOCKS_H_
#define POOLSCOPE_ALLOCATOR_POOL_SHARED_BLOCKS_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "poolscope/allocator/pool/segment.h"
#include "poolscope/allocator/pool/size_classes.h"

namespace poolscope {
namespace pool_internal {

class SharedBlocks {
 public:
  static constexpr uint64_t kMaxBytes = 1 << 20;

  // Whether blocks of this class are kept: runs of their own, of which several
  // fit.
  static bool Keeps(const ClassLayout& layout, int size_class) {
    return !layout.is_slab(size_class) &&
           layout.size(size_class) <= kMaxBytes / 4;
  }

  // False when there is no room. `run`: of a class that Keeps() allows.
  [[nodiscard]] bool Push(RunInfo* run) {
    const uint64_t bytes = bytes_.load(std::memory_order_relaxed);
    if (bytes + run->block_bytes > kMaxBytes) return false;
    Stack& stack = stacks_[run->size_class];
    run->next = stack.top.load(std::memory_order_relaxed);
    stack.top.store(run, std::memory_order_relaxed);
    ++stack.count;
    bytes_.store(bytes + run->block_bytes, std::memory_order_relaxed);
    return true;
  }

  // The block last pushed, or null.
  RunInfo* Pop(int size_class) {
    Stack& stack = stacks_[size_class];
    RunInfo* run = stack.top.load(std::memory_order_relaxed);
    if (run == nullptr) return nullptr;
    stack.top.store(run->next, std::memory_order_relaxed);
    run->next = nullptr;
    --stack.count;
    stack.least = std::min(stack.least, stack.count);
    bytes_.store(bytes_.load(std::memory_order_relaxed) - run->block_bytes,
                 std::memory_order_relaxed);
    return run;
  }

  // A hint: whether Pop() would find a block.
  bool Has(int size_class) const {
    return stacks_[size_class].top.load(std::memory_order_relaxed) != nullptr;
  }

  // Of size classes, in all blocks. Others than the holder of the lock: a
  // statistic.
  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

  // Calls free(run) for every block, or for as many of each class as nobody
  // needed since the last call.
  template <typename F>
  void Drain(bool all, F&& free) {
    for (size_t c = 0; c < stacks_.size(); ++c) {
      Stack& stack = stacks_[c];
      for (uint32_t n = all ? stack.count : stack.least; n > 0; --n) {
        free(Pop(c));
      }
      stack.least = stack.count;
    }
  }

  // Calls f(run) for every block.
  template <typename F>
  void ForEach(F&& f) const {
    for (const Stack& stack : stacks_) {
      for (const RunInfo* run = stack.top.load(std::memory_order_relaxed);
           run != nullptr; run = run->next) {
        f(run);
      }
    }
  }

 private:
  struct Stack {
    std::atomic<RunInfo*> top{nullptr};
    uint32_t count = 0;
    uint32_t least = 0;  // lowest count since the last Drain()
  };

  std::array<Stack, kMaxSizeClasses> stacks_{};
  std::atomic<uint64_t> bytes_{0};
};

}  // namespace pool_internal
}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_POOL_SHARED_BLOCKS_H_
