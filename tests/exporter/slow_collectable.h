// SlowCollectable: a collectable that is slow for as long as a test wants.
//
//   auto slow = std::make_shared<SlowCollectable>();
//   registry.AddCollectable(slow);
//   slow->Hold();                 // Collect() does not return from now on
//   ...
//   slow->AwaitHeld();            // one is in it
//   slow->Release();              // it returns, and so do later ones
//
// It shows how often it was asked: slow_calls_total.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_TESTS_EXPORTER_SLOW_COLLECTABLE_H_
#define POOLSCOPE_TESTS_EXPORTER_SLOW_COLLECTABLE_H_

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "prometheus/collectable.h"
#include "prometheus/metric_family.h"

namespace poolscope {

class SlowCollectable final : public prometheus::Collectable {
 public:
  std::vector<prometheus::MetricFamily> Collect() const override {
    std::unique_lock<std::mutex> lock(mutex_);
    const int call = ++calls_;
    most_inside_ = std::max(most_inside_, ++inside_);
    changed_.notify_all();
    changed_.wait(lock, [&] { return !held_ || call <= let_go_; });
    --inside_;
    prometheus::MetricFamily family;
    family.name = "slow_calls_total";
    family.help = "Calls.";
    family.type = prometheus::MetricType::Counter;
    family.metric.emplace_back();
    family.metric.back().counter.value = call;
    return {family};
  }

  void Hold() {
    const std::lock_guard<std::mutex> lock(mutex_);
    held_ = true;
  }
  void Release() {
    const std::lock_guard<std::mutex> lock(mutex_);
    held_ = false;
    changed_.notify_all();
  }
  // The calls up to this one return, and later ones do not.
  void LetGo(int call) {
    const std::lock_guard<std::mutex> lock(mutex_);
    let_go_ = call;
    changed_.notify_all();
  }
  void AwaitHeld() const {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock,
                  [this] { return held_ && inside_ > 0 && calls_ > let_go_; });
  }

  // The most that were in Collect() at the same time.
  int most_inside() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return most_inside_;
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool held_ = false;
  int let_go_ = 0;
  mutable int calls_ = 0;
  mutable int inside_ = 0;
  mutable int most_inside_ = 0;
};

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_EXPORTER_SLOW_COLLECTABLE_H_
