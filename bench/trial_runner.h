// TrialRunner: runs a trial in a fresh process for each policy and run.
//
//   run 1:  glibc jemalloc ... poolscope
//   run 2:  jemalloc ... poolscope glibc
//
// The process is this program with --trial and --policy, or a foreign command;
// it prints "cell value" lines, one a sample.
//
// Thread-compatible.
#ifndef POOLSCOPE_BENCH_TRIAL_RUNNER_H_
#define POOLSCOPE_BENCH_TRIAL_RUNNER_H_

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "poolscope/bench/runner.h"
#include "poolscope/bench/trial.h"

namespace poolscope::bench {

// Who runs a trial, and how it is started: program and arguments.
struct Contestant {
  std::string policy;
  std::vector<std::string> command;
};

// Runs a command and returns what it wrote to standard output. Standard error
// is ours. InternalError when it cannot be started or fails; it is ended after
// two minutes, or once `stop` is set.
absl::StatusOr<std::string> OutputOf(const std::vector<std::string>& command,
                                     const std::atomic<bool>& stop);

// The cells and values of "cell value" lines. InternalError names a line that
// is none.
absl::StatusOr<std::vector<std::pair<std::string, double>>> ParseFigures(
    absl::string_view output);

class TrialRunner {
 public:
  // `stop` ends a measurement early; it must outlive the runner.
  TrialRunner(TrialOptions options, const std::atomic<bool>* stop)
      : options_(options), stop_(stop) {}

  // One entry for each of the trial's cells and each contestant that gave it a
  // value, cell by cell: the median, minimum and 90th percentile of its samples
  // in the unit of the cell. A contestant that fails is named on standard error
  // and left out.
  std::vector<Measurement> Measure(const Trial& trial,
                                   const std::vector<Contestant>& contestants);

  // Whether any contestant failed.
  bool failed() const { return failed_; }

 private:
  const TrialOptions options_;
  const std::atomic<bool>* const stop_;
  bool failed_ = false;
};

}  // namespace poolscope::bench

#endif  // POOLSCOPE_BENCH_TRIAL_RUNNER_H_
