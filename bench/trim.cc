#include "poolscope/bench/trim.h"

#include <pthread.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "poolscope/bench/mixed_sizes.h"
#include "poolscope/bench/resident.h"

namespace poolscope::bench {
namespace {

constexpr int kThreads = 8;
constexpr int kPinned = 16;
constexpr size_t kPinnedBytes = 14336;
constexpr int kBlocks = 1000;
constexpr double kBarKib = 4096;

// Where all threads meet, the main thread included.
class MeetingPoint {
 public:
  MeetingPoint() { pthread_barrier_init(&barrier_, nullptr, kThreads + 1); }
  ~MeetingPoint() { pthread_barrier_destroy(&barrier_); }
  void Meet() { pthread_barrier_wait(&barrier_); }

 private:
  pthread_barrier_t barrier_;
};

void* AllocateFilled(const Policy& policy, size_t size) {
  void* block = policy.allocate(size);
  if (block == nullptr) std::abort();
  std::memset(block, 1, size);
  return block;
}

absl::Status Run(const Policy& policy, TrialOptions,
                 const OnFigure& on_figure) {
  MeetingPoint meeting;
  std::vector<std::vector<void*>> blocks(kThreads, std::vector<void*>(kBlocks));
  const auto load = [&](int self) {
    meeting.Meet();  // the base is taken
    meeting.Meet();
    void* pinned[kPinned];
    for (void*& block : pinned) block = AllocateFilled(policy, kPinnedBytes);
    for (int i = 0; i < kBlocks; ++i) {
      blocks[self][i] = AllocateFilled(
          policy, MixedSizes()[(self * kBlocks + i) % MixedSizes().size()]);
    }
    meeting.Meet();  // all are allocated
    for (int i = 0; i < kBlocks; ++i) {
      const int owner = i % 2 == 0 ? self : (self + 1) % kThreads;
      policy.free(blocks[owner][i]);
    }
    policy.pool.idle();
    meeting.Meet();  // all are freed, and the thread sleeps
    meeting.Meet();  // the figures are taken
    for (void* block : pinned) policy.free(block);
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back(load, i);

  meeting.Meet();
  const uint64_t base = ResidentBytes();
  meeting.Meet();
  meeting.Meet();
  meeting.Meet();
  on_figure("trim/rss_before_kib", KibAbove(ResidentBytes(), base));
  policy.pool.trim();
  const uint64_t resident = ResidentBytes();
  PoolFigures figures = {};
  policy.pool.figures(&figures);
  on_figure("trim/used_above_pinned_kib",
            KibAbove(figures.used_bytes, figures.pinned_bytes));
  on_figure("trim/rss_above_pinned_kib",
            KibAbove(resident, base + figures.pinned_bytes));
  meeting.Meet();
  for (std::thread& thread : threads) thread.join();
  return absl::OkStatus();
}

}  // namespace

Trial TrimTrial() {
  Trial trial;
  trial.group = "memory";
  trial.name = "trim";
  trial.cells = {
      {"trim/rss_before_kib", std::nullopt},
      {"trim/rss_above_pinned_kib", Bar{Bar::Side::kAtMost, kBarKib}},
      {"trim/used_above_pinned_kib", Bar{Bar::Side::kAtMost, kBarKib}}};
  trial.ours_only = true;
  trial.runs = 5;
  trial.run = Run;
  return trial;
}

}  // namespace poolscope::bench
