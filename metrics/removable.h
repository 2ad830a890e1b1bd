// Removable: functions of somebody else's object, which are called from several
// threads until they are taken away.
//
//   Removable<std::function<Stats()>> source;
//   source.Set([&] { return theirs.Stats(); });
//   source.With([&](const auto& stats) { values = stats(); });
//   source.Remove();                  // now `theirs` may be destroyed
//
// One call runs at a time, and Remove() waits for it.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_METRICS_REMOVABLE_H_
#define POOLSCOPE_METRICS_REMOVABLE_H_

#include <atomic>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "poolscope/allocator/base/mutex.h"

namespace poolscope {

template <typename Functions>
class Removable {
 public:
  Removable() = default;
  explicit Removable(Functions functions) { Set(std::move(functions)); }

  // False, and no change, where there are some.
  bool Set(Functions functions) {
    MutexLock lock(&mutex_);
    if (functions_.has_value()) return false;
    functions_ = std::move(functions);
    set_.store(true, std::memory_order_relaxed);
    return true;
  }

  // Whether there are some; does not wait for a call.
  bool set() const { return set_.load(std::memory_order_relaxed); }

  // Calls `use` with the functions, where there are some.
  template <typename Use>
  void With(Use use) const {
    MutexLock lock(&mutex_);
    if (set() && functions_.has_value()) use(*functions_);
  }

  // Returns once they are not in use and never will be again.
  void Remove() {
    set_.store(false, std::memory_order_relaxed);
    MutexLock lock(&mutex_);
    // Again: another may have been set while this waited.
    set_.store(false, std::memory_order_relaxed);
    functions_.reset();
  }

 private:
  mutable Mutex mutex_;
  std::optional<Functions> functions_ ABSL_GUARDED_BY(mutex_);
  // Relaxed: who goes on to the functions takes the mutex. False before they
  // are reset, so that no call begins while Remove() waits.
  std::atomic<bool> set_{false};
};

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_REMOVABLE_H_
