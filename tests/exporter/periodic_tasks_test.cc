#include "poolscope/exporter/periodic_tasks.h"

#include <signal.h>

#include <atomic>
#include <future>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "poolscope/tests/exporter/thread_shortage.h"

namespace poolscope {
namespace {

std::unique_ptr<PeriodicTasks> Start(absl::Duration interval) {
  auto tasks = PeriodicTasks::Start(interval);
  EXPECT_TRUE(tasks.ok()) << tasks.status();
  return *std::move(tasks);
}

TEST(PeriodicTasksTest, RunsEveryTaskAgainAndAgain) {
  const std::unique_ptr<PeriodicTasks> tasks = Start(absl::Milliseconds(1));
  std::promise<void> thrice[2];
  int runs[2] = {0, 0};
  for (int i : {0, 1}) {
    tasks->Add(&runs[i], [&, i] {
      if (++runs[i] == 3) thrice[i].set_value();
    });
  }
  thrice[0].get_future().wait();
  thrice[1].get_future().wait();
}

TEST(PeriodicTasksTest, RemoveWaitsForTheTaskThatRuns) {
  const std::unique_ptr<PeriodicTasks> tasks = Start(absl::Milliseconds(1));
  std::promise<void> entered;
  std::promise<void> go_on;
  std::atomic<bool> finished = false;
  tasks->Add(tasks.get(), [&] {
    if (finished) return;
    entered.set_value();
    go_on.get_future().wait();
    finished = true;
  });
  entered.get_future().wait();
  // The task needs a wake-up to finish: a Remove() that did not wait would be
  // back first.
  go_on.set_value();
  tasks->Remove(tasks.get());
  EXPECT_TRUE(finished);
}

TEST(PeriodicTasksTest, ATaskRemovedWithinARoundIsLeftOutOfIt) {
  const std::unique_ptr<PeriodicTasks> tasks = Start(absl::Milliseconds(1));
  std::promise<void> twice;
  int rounds = 0;
  bool removed = false;
  bool used_after_removal = false;
  // Adds the second task itself, so that one round is sure to hold both.
  tasks->Add(&rounds, [&] {
    ++rounds;
    if (rounds == 1) {
      tasks->Add(&removed, [&] { used_after_removal = removed; });
    } else if (rounds == 2) {
      tasks->Remove(&removed);
      removed = true;
    } else if (rounds == 3) {
      twice.set_value();
    }
  });
  twice.get_future().wait();
  EXPECT_FALSE(used_after_removal);
}

TEST(PeriodicTasksTest, ARemovedTaskNeverRunsAgain) {
  const std::unique_ptr<PeriodicTasks> tasks = Start(absl::Milliseconds(1));
  std::promise<void> ran;
  std::atomic<int> runs = 0;
  tasks->Add(&runs, [&] {
    if (++runs == 1) ran.set_value();
  });
  ran.get_future().wait();
  tasks->Remove(&runs);
  const int before = runs;
  // Two rounds of another task: the removed one would have run between them.
  std::promise<void> twice;
  int others = 0;
  tasks->Add(&others, [&] {
    if (++others == 2) twice.set_value();
  });
  twice.get_future().wait();
  EXPECT_EQ(runs, before);
}

TEST(PeriodicTasksTest, EndsWithoutWaitingForTheInterval) {
  const std::unique_ptr<PeriodicTasks> tasks = Start(absl::Hours(1));
  tasks->Add(tasks.get(), [] { FAIL() << "an hour has passed"; });
}

TEST(PeriodicTasksTest, ItsThreadHasEverySignalBlocked) {
  const std::unique_ptr<PeriodicTasks> tasks = Start(absl::Milliseconds(1));
  std::promise<bool> blocked;
  bool told = false;
  tasks->Add(tasks.get(), [&] {
    if (told) return;
    told = true;
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    bool all = true;
    for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD, SIGUSR1}) {
      all = all && sigismember(&mask, signal) == 1;
    }
    blocked.set_value(all);
  });
  EXPECT_TRUE(blocked.get_future().get());
}

TEST(PeriodicTasksTest, WithoutAThreadItSaysSo) {
  const ThreadShortage shortage;
  const absl::Status status = PeriodicTasks::Start(absl::Seconds(1)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(),
            "cannot start a thread: Resource temporarily unavailable: raise "
            "ulimit -u or -v");
}

}  // namespace
}  // namespace poolscope
