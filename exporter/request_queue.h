// RequestQueue: requests that wait for a worker, a bounded number of them.
//
//   I/O thread:  if (!queue.Push(&exchange)) answer 503
//   a worker:    while (auto exchange = queue.Pop()) ...
//   I/O thread:  queue.Withdraw(id)     // whose client has hung up
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_EXPORTER_REQUEST_QUEUE_H_
#define POOLSCOPE_EXPORTER_REQUEST_QUEUE_H_

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "poolscope/allocator/base/mutex.h"
#include "poolscope/exporter/http_exchange.h"

namespace poolscope {

class RequestQueue {
 public:
  explicit RequestQueue(size_t max_waiting) : max_waiting_(max_waiting) {}
  RequestQueue(const RequestQueue&) = delete;
  RequestQueue& operator=(const RequestQueue&) = delete;

  // Takes `*exchange`; false, and leaves it, when there is no room or it is
  // closed.
  [[nodiscard]] bool Push(std::unique_ptr<HttpExchange>* exchange) {
    {
      MutexLock lock(&mutex_);
      if (closed_ || waiting_.size() >= max_waiting_) return false;
      waiting_.push_back(std::move(*exchange));
    }
    changed_.notify_one();
    return true;
  }

  // The one that waits longest; waits for one. Null once it is closed.
  [[nodiscard]] std::unique_ptr<HttpExchange> Pop() {
    MutexLock lock(&mutex_);
    BasicLock basic(&mutex_);
    ++idle_workers_;
    changed_.wait(basic, [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      return closed_ || !waiting_.empty();
    });
    --idle_workers_;
    if (closed_) return nullptr;
    std::unique_ptr<HttpExchange> next = std::move(waiting_.front());
    waiting_.pop_front();
    return next;
  }

  // The request of `connection`, if it waits and no worker is about to take it;
  // else null.
  [[nodiscard]] std::unique_ptr<HttpExchange> Withdraw(uint64_t connection) {
    MutexLock lock(&mutex_);
    // Those before are for the workers that wait, and are waking up.
    for (size_t i = idle_workers_; i < waiting_.size(); ++i) {
      if (waiting_[i]->connection != connection) continue;
      std::unique_ptr<HttpExchange> withdrawn = std::move(waiting_[i]);
      waiting_.erase(waiting_.begin() + i);
      return withdrawn;
    }
    return nullptr;
  }

  // Drops what waits.
  void Close() {
    std::deque<std::unique_ptr<HttpExchange>> dropped;
    {
      MutexLock lock(&mutex_);
      closed_ = true;
      dropped.swap(waiting_);
    }
    changed_.notify_all();
  }

 private:
  const size_t max_waiting_;
  Mutex mutex_;
  std::condition_variable_any changed_;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  size_t idle_workers_ ABSL_GUARDED_BY(mutex_) = 0;  // in Pop()
  std::deque<std::unique_ptr<HttpExchange>> waiting_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_REQUEST_QUEUE_H_
