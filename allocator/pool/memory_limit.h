// MemoryLimit: the direct memory that one allocator may map, and its peak.
//
// Bytes are reserved before anything is mapped, by compare-exchange, so that
// the sum never passes the limit, by not one byte, however many threads ask.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_ALLOCATOR_POOL_MEMORY_LIMIT_H_
#define POOLSCOPE_ALLOCATOR_POOL_MEMORY_LIMIT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace poolscope {
namespace pool_internal {

class MemoryLimit {
 public:
  explicit MemoryLimit(size_t limit_bytes) : limit_(limit_bytes) {}

  [[nodiscard]] bool Reserve(size_t bytes) {
    // Relaxed throughout: the counter orders nothing but itself.
    size_t used = used_.load(std::memory_order_relaxed);
    do {
      if (bytes > limit_ - used) return false;
    } while (!used_.compare_exchange_weak(used, used + bytes,
                                          std::memory_order_relaxed));
    size_t peak = peak_.load(std::memory_order_relaxed);
    while (peak < used + bytes &&
           !peak_.compare_exchange_weak(peak, used + bytes,
                                        std::memory_order_relaxed)) {
    }
    return true;
  }

  void Release(size_t bytes) {
    used_.fetch_sub(bytes, std::memory_order_relaxed);
  }

  size_t limit() const { return limit_; }
  size_t used() const { return used_.load(std::memory_order_relaxed); }
  size_t peak() const { return peak_.load(std::memory_order_relaxed); }

 private:
  const size_t limit_;
  std::atomic<size_t> used_{0};
  std::atomic<size_t> peak_{0};
};

}  // namespace pool_internal
}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_POOL_MEMORY_LIMIT_H_
