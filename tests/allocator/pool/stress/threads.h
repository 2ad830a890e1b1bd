// WorkerThread, Barrier, Handover: how threads of a stress test meet.
//
//   WorkerThread worker;
//   worker.Run([&] { block = pool->Allocate(100); });   // waits until it ran
//   worker.Start([&] { ... });                          // does not
//   worker.Wait();
//   worker.Exit();                                      // ends the thread
//
// Thread safety: WorkerThread belongs to the thread that made it; Barrier and
// Handover are thread-safe.
#ifndef POOLSCOPE_TESTS_ALLOCATOR_POOL_STRESS_THREADS_H_
#define POOLSCOPE_TESTS_ALLOCATOR_POOL_STRESS_THREADS_H_

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "poolscope/tests/allocator/pool/stress/block.h"

namespace poolscope {

// A thread that runs what it is given, one piece after the other.
class WorkerThread {
 public:
  WorkerThread() : thread_([this] { Loop(); }) {}
  ~WorkerThread() { Exit(); }
  WorkerThread(const WorkerThread&) = delete;
  WorkerThread& operator=(const WorkerThread&) = delete;

  void Start(std::function<void()> work) {
    std::lock_guard<std::mutex> lock(mutex_);
    work_ = std::move(work);
    changed_.notify_all();
  }
  void Wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return work_ == nullptr; });
  }
  void Run(std::function<void()> work) {
    Start(std::move(work));
    Wait();
  }
  // Returns when the thread has ended.
  void Exit() {
    if (!thread_.joinable()) return;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      changed_.wait(lock, [this] { return work_ == nullptr; });
      exit_ = true;
      changed_.notify_all();
    }
    thread_.join();
  }

 private:
  void Loop() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return exit_ || work_ != nullptr; });
      if (work_ == nullptr) return;
      lock.unlock();
      work_();
      lock.lock();
      work_ = nullptr;
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> work_;
  bool exit_ = false;
  std::thread thread_;  // last: it uses the others
};

// Lets `count` threads go on when all of them have arrived; reusable.
class Barrier {
 public:
  explicit Barrier(int count) : count_(count) {}

  void Arrive() {
    std::unique_lock<std::mutex> lock(mutex_);
    const int round = round_;
    if (++arrived_ == count_) {
      arrived_ = 0;
      ++round_;
      changed_.notify_all();
      return;
    }
    changed_.wait(lock, [&] { return round_ != round; });
  }

 private:
  const int count_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int arrived_ = 0;
  int round_ = 0;
};

// Blocks on their way from one thread to another.
class Handover {
 public:
  void Put(const Block& block) {
    std::lock_guard<std::mutex> lock(mutex_);
    blocks_.push_back(block);
    changed_.notify_one();
  }
  // Nobody will put any more.
  void Close() {
    std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }
  // A block, if there is one.
  std::optional<Block> TryTake() {
    std::lock_guard<std::mutex> lock(mutex_);
    return PopLocked();
  }
  // Waits for a block; nothing once it is closed and empty.
  std::optional<Block> Take() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return closed_ || !blocks_.empty(); });
    return PopLocked();
  }

 private:
  std::optional<Block> PopLocked() {
    if (blocks_.empty()) return std::nullopt;
    const Block block = blocks_.front();
    blocks_.pop_front();
    return block;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Block> blocks_;
  bool closed_ = false;
};

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_ALLOCATOR_POOL_STRESS_THREADS_H_
