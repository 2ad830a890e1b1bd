// What the bench writes: a table a group for people, CSV for programs.
#ifndef POOLSCOPE_BENCH_REPORT_H_
#define POOLSCOPE_BENCH_REPORT_H_

#include <optional>
#include <string>
#include <vector>

#include "poolscope/bench/policy.h"
#include "poolscope/bench/runner.h"
#include "poolscope/bench/trial.h"

namespace poolscope::bench {

// How ours did in one cell.
struct Comparison {
  std::string best_peer;
  double ratio = 0;  // our median by the best peer's; below 1 we are faster
};

// Nothing when the cell has no peer or not ours.
std::optional<Comparison> Compare(const std::vector<Measurement>& cell,
                                  const std::vector<Policy>& policies);

// Our median less that without statistics, in nanoseconds a pair. Nothing when
// the cell has not both.
std::optional<double> StatisticsCost(const std::vector<Measurement>& cell,
                                     const std::vector<Policy>& policies);

// Rows: cells; columns: policies, the best peer, the ratio, and the cost of
// statistics. A measurement that is not there is a dash.
std::string FormatTables(const std::vector<Measurement>& measurements,
                         const std::vector<Policy>& policies);

// The same for trials. The columns are the policies that have a figure in the
// group, then the bar and whether poolscope's median holds it.
std::string FormatTrialTables(const std::vector<Measurement>& measurements,
                              const std::vector<Trial>& trials);

// With its line feed.
std::string CsvHeader();
std::string CsvRow(const Measurement& measurement);

// A bar stands in the CSV as a policy, "bar_at_most" or "bar_at_least", all of
// whose columns are its value.
std::string CsvRow(const TrialCell& cell, const Bar& bar);

}  // namespace poolscope::bench

#endif  // POOLSCOPE_BENCH_REPORT_H_
