// Borrow: while one lives, its buffer may not move, divide or end its memory.
//
// Thread safety: the count is thread-safe, as several threads may read a buffer
// at once.
#ifndef POOLSCOPE_ALLOCATOR_BUFFER_BORROW_H_
#define POOLSCOPE_ALLOCATOR_BUFFER_BORROW_H_

#include <atomic>
#include <cstdint>

namespace poolscope {
namespace buffer_internal {

class BorrowCount {
 public:
  // Relaxed throughout: a thread that may move the buffer is ordered after
  // those that read it by whatever told it so.
  bool any() const { return count_.load(std::memory_order_relaxed) != 0; }
  void Add() { count_.fetch_add(1, std::memory_order_relaxed); }
  void Remove() { count_.fetch_sub(1, std::memory_order_relaxed); }

 private:
  std::atomic<uint32_t> count_{0};
};

class Borrow {
 public:
  explicit Borrow(BorrowCount* count) : count_(count) { count_->Add(); }
  ~Borrow() { count_->Remove(); }
  Borrow(const Borrow&) = delete;
  Borrow& operator=(const Borrow&) = delete;

 private:
  BorrowCount* const count_;
};

}  // namespace buffer_internal
}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_BUFFER_BORROW_H_
