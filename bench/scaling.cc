#include "poolscope/bench/scaling.h"

#include <sched.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <numeric>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "poolscope/bench/mixed_sizes.h"

namespace poolscope::bench {
namespace {

constexpr int kBatch = 64;
constexpr int kHanded = kBatch / 4;
constexpr size_t kInboxParcels = 64;
constexpr int kComparisons = 3;
constexpr auto kTime = std::chrono::milliseconds(250);
constexpr auto kQuickTime = std::chrono::milliseconds(60);

// The blocks that a batch hands over.
using Parcel = std::array<void*, kHanded>;

// What is on its way to the threads of one processor. One lock for 64 pairs:
// what is measured is the allocator.
class Inbox {
 public:
  Inbox() { parcels_.reserve(kInboxParcels); }

  // False when it is full.
  bool Put(const Parcel& parcel) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (parcels_.size() == kInboxParcels) return false;
    parcels_.push_back(parcel);
    return true;
  }

  // Moves all there is to `parcels`, which must be empty.
  void TakeAll(std::vector<Parcel>& parcels) {
    const std::lock_guard<std::mutex> lock(mutex_);
    parcels_.swap(parcels);
  }

 private:
  std::mutex mutex_;
  std::vector<Parcel> parcels_;
};

class Crowd {
 public:
  Crowd(const Policy& policy, int threads)
      : policy_(policy),
        inboxes_(
            std::clamp<int>(std::thread::hardware_concurrency(), 1, threads)),
        pairs_(threads) {}

  // Elapsed nanoseconds by pairs of all threads.
  double Run(std::chrono::nanoseconds time) {
    std::vector<std::thread> threads;
    const auto start = std::chrono::steady_clock::now();
    for (size_t i = 0; i < pairs_.size(); ++i) {
      threads.emplace_back([this, i] { pairs_[i] = Work(i); });
    }
    std::this_thread::sleep_until(start + time);
    stop_.store(true, std::memory_order_relaxed);
    for (std::thread& thread : threads) thread.join();
    const std::chrono::duration<double, std::nano> elapsed =
        std::chrono::steady_clock::now() - start;
    std::vector<Parcel> rest;
    rest.reserve(kInboxParcels);
    for (Inbox& inbox : inboxes_) FreeArrived(inbox, rest);
    return elapsed.count() /
           std::accumulate(pairs_.begin(), pairs_.end(), uint64_t{0});
  }

 private:
  // Returns the pairs it did.
  uint64_t Work(size_t self) {
    const SizeTable& sizes = MixedSizes();
    std::vector<Parcel> arrived;
    arrived.reserve(kInboxParcels);
    size_t at = self * kBatch;
    uint64_t pairs = 0;
    while (!stop_.load(std::memory_order_relaxed)) {
      void* blocks[kBatch];
      for (void*& block : blocks) {
        block = policy_.allocate(sizes[at++ & (sizes.size() - 1)]);
        if (block == nullptr) std::abort();
      }
      Parcel parcel;
      for (int i = 0; i < kHanded; ++i) parcel[i] = blocks[4 * i];
      for (int i = kBatch - 1; i >= 0; --i) {
        if (i % 4 != 0) policy_.free(blocks[i]);
      }
      const size_t processor = std::max(sched_getcpu(), 0);
      Inbox& next = inboxes_[(processor + 1) % inboxes_.size()];
      // Nobody runs there: its blocks are freed here.
      while (!next.Put(parcel)) FreeArrived(next, arrived);
      FreeArrived(inboxes_[processor % inboxes_.size()], arrived);
      pairs += kBatch;
    }
    return pairs;
  }

  void FreeArrived(Inbox& inbox, std::vector<Parcel>& arrived) {
    inbox.TakeAll(arrived);
    for (const Parcel& parcel : arrived) {
      for (void* block : parcel) policy_.free(block);
    }
    arrived.clear();
  }

  const Policy& policy_;
  std::vector<Inbox> inboxes_;   // one a processor, but no more than threads
  std::vector<uint64_t> pairs_;  // each thread's, written as it ends
  std::atomic<bool> stop_{false};
};

absl::Status Run(const Policy& policy, TrialOptions options,
                 const OnFigure& on_figure) {
  const auto measure = [&](int threads) {
    const double ns =
        Crowd(policy, threads).Run(options.quick ? kQuickTime : kTime);
    on_figure(absl::StrCat("scaling/threads_", threads), ns);
    return ns;
  };
  for (const int threads : {1, 4, 8, 16}) measure(threads);
  // Those that are compared take turns.
  for (int i = 0; i < kComparisons; ++i) {
    const double with_two = measure(2);
    const double with_most = measure(64);
    on_figure("scaling/64_over_2_percent", 100 * with_two / with_most);
  }
  return absl::OkStatus();
}

}  // namespace

Trial ScalingTrial() {
  Trial trial;
  trial.group = "scaling";
  trial.name = "scaling";
  for (const int threads : {1, 2, 4, 8, 16, 64}) {
    trial.cells.push_back(
        {absl::StrCat("scaling/threads_", threads), std::nullopt});
  }
  trial.cells.push_back(
      {"scaling/64_over_2_percent", Bar{Bar::Side::kAtLeast, 90}});
  trial.runs = 3;
  trial.run = Run;
  return trial;
}

}  // namespace poolscope::bench
