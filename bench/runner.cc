#include "poolscope/bench/runner.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <utility>

#include "benchmark/benchmark.h"

namespace poolscope::bench {
namespace {

// Pairs before the clock starts: the caches fill up, and each mixed size has
// been asked for once.
constexpr uint64_t kWarmUpPairs = 4096;

// Keeps the last run instead of printing it.
class LastRun final : public ::benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override { run_ = runs.back(); }
  int64_t pairs() const { return run_.iterations; }
  double ns_per_pair() const { return run_.GetAdjustedRealTime(); }

 private:
  Run run_;
};

// One run of `pairs` pairs; 0: of as many as `time` takes.
LastRun RunOnce(const Cell& cell, const Policy& policy, int64_t pairs,
                absl::Duration time) {
  ::benchmark::ClearRegisteredBenchmarks();
  ::benchmark::internal::Benchmark* registered = ::benchmark::RegisterBenchmark(
      cell.name.c_str(), [&](::benchmark::State& state) {
        const std::unique_ptr<Workload> workload = cell.make(policy);
        workload->Run(kWarmUpPairs);
        while (state.KeepRunningBatch(state.max_iterations)) {
          workload->Run(state.max_iterations);
        }
      });
  registered->UseRealTime();
  if (pairs > 0) {
    registered->Iterations(pairs);
  } else {
    registered->MinTime(absl::ToDoubleSeconds(time));
  }
  LastRun last;
  ::benchmark::RunSpecifiedBenchmarks(&last, ".");
  return last;
}

struct Turn {
  const Policy* policy;
  int64_t pairs;  // a round
  std::vector<double> ns_per_pair;
};

}  // namespace

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle]
                                : (values[middle - 1] + values[middle]) / 2;
}

double Percentile(std::vector<double> values, double percent) {
  std::sort(values.begin(), values.end());
  const double rank = std::ceil(percent / 100 * values.size());
  return values[std::max<size_t>(static_cast<size_t>(rank), 1) - 1];
}

Runner::Runner(std::vector<Policy> policies, RunnerOptions options,
               const std::atomic<bool>* stop)
    : policies_(std::move(policies)), options_(options), stop_(stop) {}

std::vector<Measurement> Runner::Measure(const Cell& cell,
                                         const OnRound& on_round) {
  std::vector<Turn> turns;
  for (const Policy& policy : policies_) {
    if (!cell.Takes(policy) || stop_->load()) continue;
    // The library stops growing a run once it is past the time, by up to 40 %.
    const LastRun probe =
        RunOnce(cell, policy, /*pairs=*/0, options_.round_time / 1.2);
    turns.push_back({&policy, probe.pairs(), {}});
  }
  for (int round = 1; round <= options_.rounds && !stop_->load(); ++round) {
    on_round(round);
    for (size_t i = 0; i < turns.size() && !stop_->load(); ++i) {
      Turn& turn = turns[(i + round) % turns.size()];
      turn.ns_per_pair.push_back(
          RunOnce(cell, *turn.policy, turn.pairs, options_.round_time)
              .ns_per_pair());
    }
  }
  std::vector<Measurement> measurements;
  for (const Turn& turn : turns) {
    const std::vector<double>& values = turn.ns_per_pair;
    if (values.empty()) continue;
    measurements.push_back({cell.group, cell.name, turn.policy->name,
                            Median(values),
                            *std::min_element(values.begin(), values.end()),
                            Percentile(values, 90)});
  }
  return measurements;
}

}  // namespace poolscope::bench
