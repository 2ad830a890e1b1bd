#include "poolscope/bench/scrape_cost.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "poolscope/bench/mixed_sizes.h"

namespace poolscope::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kBatch = 64;
constexpr int kRunPairs = 10;
constexpr auto kRunTime = std::chrono::milliseconds(1500);
constexpr auto kQuickRunTime = std::chrono::milliseconds(250);
constexpr auto kScrapeInterval = std::chrono::milliseconds(100);

// How many batches took how long, to the nanosecond up to 131 us, above which
// they count as that.
class Durations {
 public:
  Durations() : counts_(kLongest + 1) {}

  void Add(uint64_t ns) { ++counts_[std::min<uint64_t>(ns, kLongest)]; }

  void Add(const Durations& other) {
    for (size_t i = 0; i <= kLongest; ++i) counts_[i] += other.counts_[i];
  }

  uint64_t Count() const {
    uint64_t sum = 0;
    for (const uint64_t count : counts_) sum += count;
    return sum;
  }

  // The duration that all but one in a thousand stay within.
  double P999() const {
    uint64_t above = Count() / 1000;
    size_t ns = kLongest;
    while (ns > 0 && counts_[ns] <= above) above -= counts_[ns--];
    return ns;
  }

 private:
  static constexpr size_t kLongest = (1 << 17) - 1;
  std::vector<uint64_t> counts_;
};

void RunBatches(const Policy& policy, Clock::time_point end,
                Durations& durations) {
  const SizeTable& sizes = MixedSizes();
  size_t at = 0;
  void* blocks[kBatch];
  Clock::time_point start = Clock::now();
  while (start < end) {
    for (void*& block : blocks) {
      block = policy.allocate(sizes[at++ & (sizes.size() - 1)]);
    }
    for (int i = kBatch - 1; i >= 0; --i) policy.free(blocks[i]);
    const Clock::time_point now = Clock::now();
    durations.Add(
        std::chrono::duration_cast<std::chrono::nanoseconds>(now - start)
            .count());
    start = now;
  }
}

// Takes a snapshot every interval for as long as it lives.
class Scraper {
 public:
  explicit Scraper(const Policy& policy)
      : thread_([this, &policy] {
          std::unique_lock<std::mutex> lock(mutex_);
          auto next = Clock::now() + kScrapeInterval;
          while (!wake_.wait_until(lock, next, [this] { return stop_; })) {
            PoolFigures figures;
            policy.pool.figures(&figures);
            next += kScrapeInterval;
          }
        }) {}

  ~Scraper() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stop_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;   // guarded by mutex_
  std::thread thread_;  // last: it uses the rest
};

struct Outcome {
  double batches_per_second;
  double p999_ns;
};

Outcome RunOnce(const Policy& policy, bool scraped, Clock::duration time) {
  const unsigned workers = std::max(1u, std::thread::hardware_concurrency());
  std::vector<Durations> durations(workers);
  {
    std::optional<Scraper> scraper;
    if (scraped) scraper.emplace(policy);
    std::vector<std::thread> threads;
    const Clock::time_point end = Clock::now() + time;
    for (Durations& own : durations) {
      threads.emplace_back([&, end] { RunBatches(policy, end, own); });
    }
    for (std::thread& thread : threads) thread.join();
  }
  for (size_t i = 1; i < workers; ++i) durations[0].Add(durations[i]);
  return {durations[0].Count() / std::chrono::duration<double>(time).count(),
          durations[0].P999()};
}

absl::Status Run(const Policy& policy, TrialOptions options,
                 const OnFigure& on_figure) {
  const auto time = options.quick ? kQuickRunTime : kRunTime;
  RunOnce(policy, /*scraped=*/true, kQuickRunTime);  // warm
  for (int i = 0; i < kRunPairs; ++i) {
    const bool scraped_first = i % 2 == 1;
    const Outcome first = RunOnce(policy, scraped_first, time);
    const Outcome second = RunOnce(policy, !scraped_first, time);
    const Outcome& plain = scraped_first ? second : first;
    const Outcome& scraped = scraped_first ? first : second;
    on_figure("statistics/batch_p999", plain.p999_ns);
    on_figure(
        "statistics/scrape_throughput_loss_percent",
        100 * (1 - scraped.batches_per_second / plain.batches_per_second));
    on_figure("statistics/scrape_p999_growth_percent",
              100 * (scraped.p999_ns / plain.p999_ns - 1));
  }
  return absl::OkStatus();
}

}  // namespace

Trial ScrapeCostTrial() {
  Trial trial;
  trial.group = "statistics";
  trial.name = "scrape_cost";
  trial.cells = {
      {"statistics/batch_p999", std::nullopt},
      {"statistics/scrape_throughput_loss_percent", Bar{Bar::Side::kAtMost, 2}},
      {"statistics/scrape_p999_growth_percent", Bar{Bar::Side::kAtMost, 10}}};
  trial.ours_only = true;
  trial.runs = 1;
  trial.run = Run;
  return trial;
}

}  // namespace poolscope::bench
