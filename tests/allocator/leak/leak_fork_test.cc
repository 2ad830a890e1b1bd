// fork() beside a thread that changes the level: the child may do so as well,
// and close the allocator.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <thread>
#include <utility>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/leak/leak_detector.h"
#include "poolscope/allocator/pool/pooled_allocator.h"

namespace poolscope {
namespace {

TEST(LeakForkTest, TheChildChangesTheLevelAndClosesTheAllocator) {
  LeakDetectorOptions options;
  options.allocator = "test";
  options.level = LeakLevel::kSimple;
  options.log = [](absl::string_view) {};
  std::shared_ptr<LeakDetector> detector =
      LeakDetector::Create(std::move(options)).value();
  PoolOptions pool_options;
  pool_options.max_direct_memory_bytes = 64 << 20;
  pool_options.observer = detector;
  std::unique_ptr<PooledAllocator> pool =
      PooledAllocator::Create(pool_options).value();
  // The detector calls this with its lock of the level held.
  std::atomic<bool> locked{false};
  detector->ControlSampling([&](size_t interval_bytes) {
    locked = true;
    for (int i = 0; i < 100; ++i) std::this_thread::yield();
    pool->SetSampleInterval(interval_bytes);
    locked = false;
  });

  std::atomic<bool> stop{false};
  std::thread changer([&] {
    while (!stop) {
      detector->SetLevel(LeakLevel::kParanoid);
      detector->SetLevel(LeakLevel::kSimple);
      std::this_thread::yield();
    }
  });
  for (int i = 0; i < 50 && !HasFailure(); ++i) {
    // The thread holds the lock when it happens.
    while (!locked) std::this_thread::yield();
    const pid_t child = fork();
    if (child == 0) {
      alarm(30);  // a deadlock ends by a signal
      detector->SetLevel(LeakLevel::kParanoid);
      pool->Free(pool->Allocate(100));
      pool.reset();
      _exit(0);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0)
        << "child " << i << ": status " << status;
  }
  stop = true;
  changer.join();
}

}  // namespace
}  // namespace poolscope
