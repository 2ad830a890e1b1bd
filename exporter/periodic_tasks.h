// PeriodicTasks: a thread that runs the registered tasks again and again.
//
// The sidecar registers Maintain() of each allocator and Check() of each leak
// detector, about once a second. The thread has every signal blocked.
//
// Thread safety: thread-safe, but for the destructor.
#ifndef POOLSCOPE_EXPORTER_PERIODIC_TASKS_H_
#define POOLSCOPE_EXPORTER_PERIODIC_TASKS_H_

#include <condition_variable>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "poolscope/allocator/base/mutex.h"
#include "poolscope/metrics/removable.h"

namespace poolscope {

class PeriodicTasks {
 public:
  // `interval` > 0 is the pause between two rounds. ResourceExhaustedError
  // when the system gives no thread.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<PeriodicTasks>> Start(
      absl::Duration interval);
  // Waits for the task that runs, if one does.
  ~PeriodicTasks();
  PeriodicTasks(const PeriodicTasks&) = delete;
  PeriodicTasks& operator=(const PeriodicTasks&) = delete;

  // `key` stands for the task; each once.
  void Add(const void* key, std::function<void()> task);
  // Returns once the task is not running and never will again. Not from inside
  // the task itself. Ignores an unknown key.
  void Remove(const void* key);

 private:
  struct Task {
    const void* const key;
    Removable<std::function<void()>> run;
  };

  explicit PeriodicTasks(absl::Duration interval) : interval_(interval) {}

  void Loop();

  const absl::Duration interval_;
  Mutex mutex_;
  std::condition_variable_any stopped_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::shared_ptr<Task>> tasks_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_PERIODIC_TASKS_H_
