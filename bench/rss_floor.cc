#include "poolscope/bench/rss_floor.h"

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "poolscope/bench/resident.h"

namespace poolscope::bench {
namespace {

constexpr int kThreads = 16;
constexpr int kInFlight = 20;
constexpr size_t kMessageBytes = 14336;
constexpr int kMessages = 200'000;

// What one thread has been handed; never more than all that is in flight, so
// it has no need of memory of its own while the load runs.
class Mailbox {
 public:
  void Put(void* message) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      slots_[(first_ + count_++) % kInFlight] = message;
    }
    filled_.notify_one();
  }

  void Close() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      closed_ = true;
    }
    filled_.notify_one();
  }

  // False once closed. Calls `about_to_wait` before it waits.
  template <typename Function>
  bool Take(void*& message, Function about_to_wait) {
    std::unique_lock<std::mutex> lock(mutex_);
    if (count_ == 0 && !closed_) {
      lock.unlock();
      about_to_wait();
      lock.lock();
      filled_.wait(lock, [this] { return count_ > 0 || closed_; });
    }
    if (count_ == 0) return false;
    message = slots_[first_];
    first_ = (first_ + 1) % kInFlight;
    --count_;
    return true;
  }

 private:
  std::mutex mutex_;
  std::condition_variable filled_;
  void* slots_[kInFlight] = {};
  int first_ = 0;
  int count_ = 0;
  bool closed_ = false;
};

// The threads and what they hand to one another.
class Service {
 public:
  Service(const Policy& policy, void (*idle)(), int messages)
      : policy_(policy), idle_(idle), messages_left_(messages) {
    for (int i = 0; i < kThreads; ++i) {
      threads_.emplace_back([this, i] { Serve(i); });
    }
    WaitFor(waiting_, kThreads);
  }

  ~Service() {
    for (Mailbox& mailbox : mailboxes_) mailbox.Close();
    for (std::thread& thread : threads_) thread.join();
    for (int i = 0; i < parked_; ++i) policy_.free(last_messages_[i]);
  }

  // Returns with the last messages in flight and every thread waiting.
  void Run() {
    for (int i = 0; i < kInFlight; ++i) {
      mailboxes_[i % kThreads].Put(nullptr);  // "make the first"
    }
    WaitFor(parked_, kInFlight);
    WaitFor(waiting_, kThreads);
  }

 private:
  void Serve(int self) {
    uint32_t random = self + 1;
    void* message = nullptr;
    bool waited = false;
    const auto about_to_wait = [&] {
      if (idle_ != nullptr) idle_();
      waited = true;
      Change(waiting_, 1);
    };
    while (mailboxes_[self].Take(message, about_to_wait)) {
      if (waited) Change(waiting_, -1);
      waited = false;
      if (message != nullptr) policy_.free(message);
      message = policy_.allocate(kMessageBytes);
      if (message == nullptr) std::abort();
      std::memset(message, self, kMessageBytes);
      if (messages_left_.fetch_sub(1, std::memory_order_relaxed) <= 0) {
        Park(message);
        continue;
      }
      random = random * 1664525 + 1013904223;
      mailboxes_[(random >> 16) % kThreads].Put(message);
    }
  }

  // The message stays in flight.
  void Park(void* message) {
    const std::lock_guard<std::mutex> lock(mutex_);
    last_messages_[parked_++] = message;
    changed_.notify_one();
  }

  void Change(int& count, int by) {
    const std::lock_guard<std::mutex> lock(mutex_);
    count += by;
    changed_.notify_one();
  }

  void WaitFor(const int& count, int value) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return count == value; });
  }

  const Policy& policy_;
  void (*const idle_)();
  std::atomic<int> messages_left_;
  Mailbox mailboxes_[kThreads];
  std::vector<std::thread> threads_;

  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;  // guarded by mutex_, as are the next
  int parked_ = 0;
  void* last_messages_[kInFlight] = {};
};

}  // namespace

Trial RssFloorTrial(IdleThreads threads) {
  const bool say_so = threads == IdleThreads::kSaySo;
  const std::string cell =
      say_so ? "memory/rss_floor_kib" : "memory/rss_floor_without_idle_kib";
  Trial trial;
  trial.group = "memory";
  trial.name = say_so ? "rss_floor" : "rss_floor_without_idle";
  trial.cells = {{cell, std::nullopt}};
  if (say_so) trial.cells[0].bar = Bar{Bar::Side::kAtMost, 1024};
  trial.ours_only = !say_so;
  trial.runs = 5;
  trial.run = [say_so, cell](const Policy& policy, TrialOptions options,
                             const OnFigure& on_figure) {
    Service service(policy, say_so ? policy.pool.idle : nullptr,
                    options.quick ? kMessages / 10 : kMessages);
    const uint64_t base = ResidentBytes();
    service.Run();
    on_figure(cell, KibAbove(ResidentBytes(), base));
    return absl::OkStatus();
  };
  return trial;
}

}  // namespace poolscope::bench
