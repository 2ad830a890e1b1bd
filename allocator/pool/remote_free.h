// ReturnQueue, RemoteBatch: how a block freed by another thread gets home.
//
//   freeing thread                                   owner
//   pending batch [p p p ....] --publish-->  ReturnQueue  --Take--> magazine
//        ^                                                            |
//        +-------------- the emptied batch, to its sender <-----------+
//
// A batch carries up to kCapacity blocks of one owner, so that the two cache
// lines that change hands (the queue's head, the batch) are paid once for all
// of them, and no block is touched. Batches belong to their sender and come
// back to it; a sender has at most kMaxBatches. When none is left, or there is
// no memory for one, a single block travels as a message of its own, linked
// through its first word: a free never fails.
//
// A message is an address: a RemoteBatch, or a block with the lowest bit set.
//
// Thread safety: Push() and TakeForOwner() from any thread; Take(), Seal() and
// Unseal() from the owner, or whoever acts for it. Lock-free.
#ifndef POOLSCOPE_ALLOCATOR_POOL_REMOTE_FREE_H_
#define POOLSCOPE_ALLOCATOR_POOL_REMOTE_FREE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace poolscope {
namespace pool_internal {

class ThreadCache;

struct RemoteBatch {
  static constexpr uint32_t kCapacity = 29;  // 256 bytes in all
  // With 64 threads a sender has up to 370 on their way to owners that wait for
  // a processor; without one, each free writes to the block.
  static constexpr int kMaxBatches = 512;

  uintptr_t next;
  ThreadCache* sender;
  uint32_t count;
  uintptr_t blocks[kCapacity];
};
static_assert(sizeof(RemoteBatch) == 256, "four cache lines");

inline constexpr uintptr_t kBlockMessage = 1;

class ReturnQueue {
 public:
  // Puts a message in front. False when the queue is sealed: the owner is gone.
  [[nodiscard]] bool Push(uintptr_t message) {
    uintptr_t head = head_.load(std::memory_order_relaxed);
    do {
      if (head == kSealed) return false;
      SetNext(message, head);
      // Release: the taker sees what the message holds.
    } while (!head_.compare_exchange_weak(
        head, message, std::memory_order_release, std::memory_order_relaxed));
    return true;
  }

  bool MaybeNonEmpty() const {
    // Relaxed: a hint; Take() synchronizes.
    return head_.load(std::memory_order_relaxed) > kSealed;
  }

  // All messages, linked by Next(); 0 when there are none. Acquire pairs with
  // the pushers' release.
  uintptr_t Take() {
    if (!MaybeNonEmpty()) return 0;
    return head_.exchange(0, std::memory_order_acquire);
  }

  // The same for a thread that is not the owner: it must not unseal a queue
  // that the owner seals meanwhile.
  uintptr_t TakeForOwner() {
    uintptr_t head = head_.load(std::memory_order_relaxed);
    while (head > kSealed) {
      if (head_.compare_exchange_weak(head, 0, std::memory_order_acquire,
                                      std::memory_order_relaxed)) {
        return head;
      }
    }
    return 0;
  }

  // All messages, after which Push() fails until Unseal().
  uintptr_t Seal() {
    const uintptr_t head = head_.exchange(kSealed, std::memory_order_acq_rel);
    return head == kSealed ? 0 : head;
  }
  void Unseal() { head_.store(0, std::memory_order_release); }

  static uintptr_t Next(uintptr_t message) {
    return *reinterpret_cast<uintptr_t*>(message & ~kBlockMessage);
  }

 private:
  // Not an address of anything: blocks are aligned to 16.
  static constexpr uintptr_t kSealed = 2;

  static void SetNext(uintptr_t message, uintptr_t next) {
    // A batch's first word is its `next`.
    *reinterpret_cast<uintptr_t*>(message & ~kBlockMessage) = next;
  }

  std::atomic<uintptr_t> head_{0};
};

}  // namespace pool_internal
}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_POOL_REMOTE_FREE_H_
