// The bench's command line.
#ifndef POOLSCOPE_BENCH_OPTIONS_H_
#define POOLSCOPE_BENCH_OPTIONS_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace poolscope::bench {

struct Options {
  bool help = false;
  std::string filter;  // extended regular expression; empty matches all
  std::string csv;     // empty: none is written
  int rounds = 31;     // 1 to 10000
  bool quick = false;
  // Not 0: run this many pairs of one cell with one policy, without a clock.
  uint64_t pairs = 0;
  std::string policy;
  std::string cell;
  // Not empty: run this trial with `policy` in this process.
  std::string trial;
};

// What --help prints.
std::string HelpText();

// InvalidArgumentError, in one line, names what is wrong with which argument.
// Names of cells, trials and policies, and the filter's syntax, are not checked
// here.
absl::StatusOr<Options> ParseOptions(int argc, char** argv);

}  // namespace poolscope::bench

#endif  // POOLSCOPE_BENCH_OPTIONS_H_
