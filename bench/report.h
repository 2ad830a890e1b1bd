// What the bench writes: a table a group for people, CSV for programs.
#ifndef POOLSCOPE_BENCH_REPORT_H_
#define POOLSCOPE_BENCH_REPORT_H_

#include <optional>
#include <string>
#include <vector>

#include "poolscope/bench/policy.h"
#include "poolscope/bench/runner.h"

namespace poolscope::bench {

// How ours did in one cell.
struct Comparison {
  std::string best_peer;
  double ratio = 0;  // our median by the best peer's; below 1 we are faster
};

// Nothing when the cell has no peer or not ours.
std::optional<Comparison> Compare(const std::vector<Measurement>& cell,
                                  const std::vector<Policy>& policies);

// Rows: cells; columns: policies, the best peer and the ratio. A measurement
// that is not there is a dash.
std::string FormatTables(const std::vector<Measurement>& measurements,
                         const std::vector<Policy>& policies);

// With its line feed.
std::string CsvHeader();
std::string CsvRow(const Measurement& measurement);

}  // namespace poolscope::bench

#endif  // POOLSCOPE_BENCH_REPORT_H_
