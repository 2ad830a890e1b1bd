// Mailbox<T>: what other threads hand to the thread of one EventLoop.
//
//   mailbox.Post(std::move(item));                  // any thread
//   for (T& item : mailbox.TakeAll()) ...           // the loop's thread
//
// Items keep their order. Whatever is left is destroyed with the mailbox.
//
// Thread safety: thread-safe. The loop must outlive the mailbox.
#ifndef POOLSCOPE_EXAMPLES_DEMO_MAILBOX_H_
#define POOLSCOPE_EXAMPLES_DEMO_MAILBOX_H_

#include <mutex>
#include <utility>
#include <vector>

#include "poolscope/examples/demo/event_loop.h"

namespace poolscope::demo {

template <typename T>
class Mailbox {
 public:
  explicit Mailbox(EventLoop* loop) : loop_(loop) {}

  void Post(T item) {
    bool was_empty = false;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      was_empty = items_.empty();
      items_.push_back(std::move(item));
    }
    // Else the thread has been woken for the items before this one.
    if (was_empty) loop_->Wake();
  }

  [[nodiscard]] std::vector<T> TakeAll() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return std::exchange(items_, {});
  }

 private:
  EventLoop* const loop_;
  std::mutex mutex_;
  std::vector<T> items_;  // guarded by mutex_
};

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_MAILBOX_H_
