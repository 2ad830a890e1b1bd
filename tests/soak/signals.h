// What the threads of a soak tell one another: that it is over, and what was
// found wrong.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_TESTS_SOAK_SIGNALS_H_
#define POOLSCOPE_TESTS_SOAK_SIGNALS_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace poolscope::soak {

class StopFlag {
 public:
  void Set() {
    std::lock_guard<std::mutex> lock(mutex_);
    set_ = true;
    changed_.notify_all();
  }
  bool IsSet() const { return set_.load(std::memory_order_relaxed); }
  // Waits for `time`, or until it is set; whether it is.
  bool WaitFor(std::chrono::milliseconds time) {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, time, [this] { return set_.load(); });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<bool> set_{false};
};

class Problems {
 public:
  // Keeps the first of them: one wrong figure is found again by every look.
  void Add(std::string problem) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (problems_.size() < kMost) problems_.push_back(std::move(problem));
  }
  // Adds what is not "".
  void AddIfAny(const char* where, const std::string& problem) {
    if (!problem.empty()) Add(std::string(where) + ": " + problem);
  }
  std::vector<std::string> All() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return problems_;
  }

 private:
  static constexpr size_t kMost = 20;

  mutable std::mutex mutex_;
  std::vector<std::string> problems_;
};

}  // namespace poolscope::soak

#endif  // POOLSCOPE_TESTS_SOAK_SIGNALS_H_
