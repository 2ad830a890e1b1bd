// Event: one thread tells another that something has happened.
//
// absl::Notification would do, were Debian's abseil built for ThreadSanitizer.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_TESTS_ALLOCATOR_POOL_EVENT_H_
#define POOLSCOPE_TESTS_ALLOCATOR_POOL_EVENT_H_

#include <future>

namespace poolscope {

class Event {
 public:
  void Notify() { promise_.set_value(); }  // once
  void Wait() const { future_.wait(); }

 private:
  std::promise<void> promise_;
  std::shared_future<void> future_ = promise_.get_future();
};

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_ALLOCATOR_POOL_EVENT_H_
