// HandoverRing: pointers from one thread to another, in order, at the least
// cost: what an allocator's cross-thread cells stand on.
//
//   producer: Push() ... Push() Flush() WaitUntilTaken()
//   consumer: Take()
//
// Both sides publish their position once in kGroup pointers, so that a pointer
// costs a fraction of the cache line's way between cores; a full ring, an empty
// one and Flush() publish at once. A side that waits spins, then yields.
//
// Thread safety: one producer thread, one consumer thread. Owns nothing.
#ifndef POOLSCOPE_BENCH_HANDOVER_RING_H_
#define POOLSCOPE_BENCH_HANDOVER_RING_H_

#include <sched.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace poolscope::bench {

class HandoverRing {
 public:
  static constexpr uint64_t kCapacity = 256;  // pointers in flight at most
  static constexpr uint64_t kGroup = 32;

  HandoverRing() = default;
  HandoverRing(const HandoverRing&) = delete;
  HandoverRing& operator=(const HandoverRing&) = delete;

  // Producer.
  void Push(void* pointer) {
    if (pushed_ - taken_seen_ == kCapacity) {
      Flush();
      WaitUntil([this] {
        taken_seen_ = taken_.load(std::memory_order_acquire);
        return pushed_ - taken_seen_ < kCapacity;
      });
    }
    slots_[pushed_ % kCapacity] = pointer;
    ++pushed_;
    if (pushed_ % kGroup == 0) Flush();
  }

  // Producer: what was pushed can be taken.
  void Flush() { published_.store(pushed_, std::memory_order_release); }

  // Producer: returns when the consumer is done with all that was pushed, that
  // is, when it asks for the next.
  void WaitUntilTaken() {
    Flush();
    WaitUntil([this] {
      taken_seen_ = taken_.load(std::memory_order_acquire);
      return taken_seen_ == pushed_;
    });
  }

  // Consumer: the next pointer. Asking for it says that the last one is done
  // with.
  void* Take() {
    if (popped_ % kGroup == 0) {
      taken_.store(popped_, std::memory_order_release);
    }
    if (popped_ == published_seen_) {
      taken_.store(popped_, std::memory_order_release);
      WaitUntil([this] {
        published_seen_ = published_.load(std::memory_order_acquire);
        return popped_ != published_seen_;
      });
    }
    return slots_[popped_++ % kCapacity];
  }

 private:
  template <typename Condition>
  static void WaitUntil(Condition condition) {
    constexpr int kSpins = 1000;
    int spins = 0;
    while (!condition()) {
      if (spins < kSpins) {
        ++spins;
      } else {
        sched_yield();
      }
    }
  }

  void* slots_[kCapacity] = {};

  // Each side's own position and its last view of the other's, on lines of
  // their own; the positions that the other side reads on two more. Stores
  // release what the position covers (slots, or the right to reuse them).
  alignas(128) uint64_t pushed_ = 0;
  uint64_t taken_seen_ = 0;
  alignas(128) uint64_t popped_ = 0;
  uint64_t published_seen_ = 0;
  alignas(128) std::atomic<uint64_t> published_{0};
  alignas(128) std::atomic<uint64_t> taken_{0};
};

}  // namespace poolscope::bench

#endif  // POOLSCOPE_BENCH_HANDOVER_RING_H_
