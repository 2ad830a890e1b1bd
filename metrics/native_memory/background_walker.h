// BackgroundWalker: when the mappings are walked, and what the last walk found.
//
//   once a second --> WalkIfDue() --+
//   /debug/memory --> WalkNow() ----+--> one walk --> Latest() --> a scrape,
//                                                     which never waits
//
// A walk costs what the kernel takes to read the page tables of everything
// resident, so it is rationed. In the background:
//
//   interval       at least this long from one to the next, and so long that
//                  walking takes `most_share` of one core at most
//   size gate      none while more than `most_resident_bytes` are resident
//   budget         a walk that takes longer is given up
//
// The kernel holds the lock of the address space over each mapping, some 25 ms
// a GiB of small pages: so long mmap() waits, and page faults behind it.
//
// A walk that was given up or failed leaves the last result in place, whose age
// shows; so does the reason, if it was the background's, until the next one
// succeeds. On demand neither interval nor gate count, only the budget, a
// longer one.
//
// At most one walk runs at a time. Who asks while one runs shares it, unless it
// lacks the mappings asked for, or is one of the background's that failed,
// maybe for want of the longer budget: then it waits for the next.
//
// There is no thread in here: whoever calls WalkIfDue() walks. A walk of many
// GiB takes longer than a second, so that should not be the thread that runs
// Maintain().
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_METRICS_NATIVE_MEMORY_BACKGROUND_WALKER_H_
#define POOLSCOPE_METRICS_NATIVE_MEMORY_BACKGROUND_WALKER_H_

#include <cstdint>
#include <functional>
#include <future>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "poolscope/allocator/base/clock.h"
#include "poolscope/allocator/base/mutex.h"
#include "poolscope/metrics/native_memory/last_memory_walk.h"
#include "poolscope/metrics/native_memory/memory_walk.h"
#include "poolscope/metrics/native_memory/native_memory_stats.h"

namespace poolscope {

struct BackgroundWalkerOptions {
  absl::Duration interval = absl::Seconds(30);
  double most_share = 0.01;  // of one core
  uint64_t most_resident_bytes = uint64_t{16} << 30;
  absl::Duration budget = absl::Seconds(2);
  absl::Duration budget_on_demand = absl::Seconds(20);
  // Callers in WalkNow() at a time; more are refused.
  int most_requests = 4;
  const Clock* clock = Clock::Real();  // not owned
};

class BackgroundWalker {
 public:
  using Stats = std::shared_ptr<const NativeMemoryStats>;
  // MemoryWalk::Take(). Never called twice at a time.
  using WalkFunction = std::function<absl::StatusOr<NativeMemoryStats>(
      MemoryWalk::Detail, absl::Duration budget)>;
  // What is resident now, cheaply (statm). 0 when it is not known.
  using ResidentFunction = std::function<uint64_t()>;

  BackgroundWalker(WalkFunction walk, ResidentFunction resident_bytes,
                   BackgroundWalkerOptions options);
  BackgroundWalker(const BackgroundWalker&) = delete;
  BackgroundWalker& operator=(const BackgroundWalker&) = delete;

  // Walks if it is time to and nobody does; else returns at once.
  void WalkIfDue();

  // Walks, or waits for the walk that runs. The error of that walk;
  // ResourceExhaustedError while `most_requests` others do the same.
  absl::StatusOr<Stats> WalkNow(MemoryWalk::Detail detail);

  // Without mappings. Never waits for a walk.
  LastMemoryWalk Latest() const;

 private:
  using Outcome = absl::StatusOr<Stats>;
  struct Flight {
    MemoryWalk::Detail detail;
    absl::Duration budget;
    std::shared_future<Outcome> outcome;
  };

  // Begins a flight, unless one is on its way. Null: join or await *current.
  std::unique_ptr<std::promise<Outcome>> Begin(MemoryWalk::Detail detail,
                                               absl::Duration budget,
                                               Flight* current)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  enum class Caller { kBackground, kRequest };
  Outcome Walk(MemoryWalk::Detail detail, Caller caller,
               std::promise<Outcome>* promise);
  absl::Duration BudgetOf(Caller caller) const;

  const WalkFunction walk_;
  const ResidentFunction resident_bytes_;
  const BackgroundWalkerOptions options_;

  mutable Mutex mutex_;
  std::shared_ptr<Flight> flight_ ABSL_GUARDED_BY(mutex_);  // null: none
  Stats last_ ABSL_GUARDED_BY(mutex_);
  absl::Status latest_ ABSL_GUARDED_BY(mutex_);
  int64_t last_nanos_ ABSL_GUARDED_BY(mutex_) = 0;  // when last_ began
  int64_t due_nanos_ ABSL_GUARDED_BY(mutex_) = 0;
  int requests_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_NATIVE_MEMORY_BACKGROUND_WALKER_H_
