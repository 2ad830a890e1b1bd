#include "poolscope/exporter/periodic_tasks.h"

#include <algorithm>
#include <utility>

#include "poolscope/exporter/signal_blocker.h"
#include "poolscope/exporter/start_thread.h"

namespace poolscope {

absl::StatusOr<std::unique_ptr<PeriodicTasks>> PeriodicTasks::Start(
    absl::Duration interval) {
  std::unique_ptr<PeriodicTasks> tasks(new PeriodicTasks(interval));
  const SignalBlocker blocker;
  absl::StatusOr<std::thread> thread =
      StartThread([raw = tasks.get()] { raw->Loop(); });
  if (!thread.ok()) return thread.status();
  tasks->thread_ = *std::move(thread);
  return tasks;
}

PeriodicTasks::~PeriodicTasks() {
  {
    MutexLock lock(&mutex_);
    stop_ = true;
  }
  stopped_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void PeriodicTasks::Add(const void* key, std::function<void()> task) {
  std::shared_ptr<Task> added(
      new Task{key, Removable<std::function<void()>>(std::move(task))});
  MutexLock lock(&mutex_);
  tasks_.push_back(std::move(added));
}

void PeriodicTasks::Remove(const void* key) {
  std::shared_ptr<Task> removed;
  {
    MutexLock lock(&mutex_);
    const auto found =
        std::find_if(tasks_.begin(), tasks_.end(),
                     [key](const auto& task) { return task->key == key; });
    if (found == tasks_.end()) return;
    removed = *found;
    tasks_.erase(found);
  }
  removed->run.Remove();
}

void PeriodicTasks::Loop() {
  while (true) {
    std::vector<std::shared_ptr<Task>> tasks;
    {
      MutexLock lock(&mutex_);
      BasicLock basic(&mutex_);
      stopped_.wait_for(basic, absl::ToChronoNanoseconds(interval_),
                        [this]()
                            ABSL_NO_THREAD_SAFETY_ANALYSIS { return stop_; });
      if (stop_) return;
      tasks = tasks_;
    }
    for (const std::shared_ptr<Task>& task : tasks) {
      task->run.With([](const auto& run) { run(); });
    }
  }
}

}  // namespace poolscope
