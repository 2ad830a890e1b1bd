// Runner: times one cell for every policy, the policies in turn.
//
//   round 1:  glibc jemalloc tcmalloc ... poolscope
//   round 2:  jemalloc tcmalloc ... poolscope glibc
//   ...
//
// Each turn is one run of Google Benchmark, a few milliseconds long, with a
// number of pairs that was settled once per cell and policy. What drifts
// (clock, neighbours) hits all of them alike, and the order changes from round
// to round, so that nobody always follows the same one.
//
// Thread-compatible; one Runner a process, since Google Benchmark's registry
// is the process's.
#ifndef POOLSCOPE_BENCH_RUNNER_H_
#define POOLSCOPE_BENCH_RUNNER_H_

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "poolscope/bench/cell.h"
#include "poolscope/bench/policy.h"

namespace poolscope::bench {

struct RunnerOptions {
  int rounds = 31;
  absl::Duration round_time = absl::Milliseconds(20);  // of each policy, about
};

// What the rounds of one cell and one policy came to, in nanoseconds a pair.
struct Measurement {
  std::string group;
  std::string cell;
  std::string policy;
  double median_ns = 0;
  double min_ns = 0;
  double p90_ns = 0;
};

// Of at least one value; the percentile is the nearest rank.
double Median(std::vector<double> values);
double Percentile(std::vector<double> values, double percent);

class Runner {
 public:
  // `stop` ends a measurement early; it must outlive the runner.
  Runner(std::vector<Policy> policies, RunnerOptions options,
         const std::atomic<bool>* stop);

  // Called with the number of each round before it begins, from 1.
  using OnRound = std::function<void(int round)>;

  // One entry for each policy that the cell takes, in the policies' order.
  // After a stop: from the rounds there were; none for a policy without any.
  std::vector<Measurement> Measure(const Cell& cell, const OnRound& on_round);

 private:
  const std::vector<Policy> policies_;
  const RunnerOptions options_;
  const std::atomic<bool>* const stop_;
};

}  // namespace poolscope::bench

#endif  // POOLSCOPE_BENCH_RUNNER_H_
