// RecordingObserver: an observer that remembers what it was told.
//
//   auto observer = std::make_shared<RecordingObserver>();
//   options.observer = observer;
//   ...
//   EXPECT_EQ(observer->live().size(), 3u);
//
// An id told twice, freed twice or freed unknown is a test failure.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_TESTS_ALLOCATOR_POOL_RECORDING_OBSERVER_H_
#define POOLSCOPE_TESTS_ALLOCATOR_POOL_RECORDING_OBSERVER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "gtest/gtest.h"
#include "poolscope/allocator/base/allocation_observer.h"

namespace poolscope {

class RecordingObserver : public AllocationObserver {
 public:
  void OnAllocate(const ObservedAllocation& allocation) override {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      EXPECT_NE(allocation.id, 0u);
      EXPECT_TRUE(seen_.insert(allocation.id).second) << allocation.id;
      live_[allocation.id] = allocation;
      weights_ += allocation.weight;
    }
    if (on_allocate_) on_allocate_();
  }
  void OnFree(uint64_t id) override {
    std::lock_guard<std::mutex> lock(mutex_);
    EXPECT_EQ(live_.erase(id), 1u) << id;
  }
  void OnClose() override {
    std::lock_guard<std::mutex> lock(mutex_);
    EXPECT_FALSE(closed_);
    closed_ = true;
    live_at_close_ = live_.size();
  }
  void LockForFork() override { mutex_.lock(); }
  void UnlockForFork() override { mutex_.unlock(); }

  // Called at the end of each OnAllocate(); set before there are any.
  void CallOnAllocate(std::function<void()> f) { on_allocate_ = std::move(f); }

  std::map<uint64_t, ObservedAllocation> live() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return live_;
  }
  size_t seen() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return seen_.size();
  }
  double weights() const {  // sum over all that were seen
    std::lock_guard<std::mutex> lock(mutex_);
    return weights_;
  }
  bool closed() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return closed_;
  }
  size_t live_at_close() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return live_at_close_;
  }

 private:
  mutable std::mutex mutex_;
  std::set<uint64_t> seen_;
  std::map<uint64_t, ObservedAllocation> live_;
  double weights_ = 0;
  bool closed_ = false;
  size_t live_at_close_ = 0;
  std::function<void()> on_allocate_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_ALLOCATOR_POOL_RECORDING_OBSERVER_H_
