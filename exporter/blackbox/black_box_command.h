// poolscope-blackbox: what a service's black box holds after its end.
//
// clang-format off
//   poolscope-blackbox FILE                  last figures, trend, and report
//   poolscope-blackbox FILE --metrics        /metrics of the last second
//   poolscope-blackbox FILE --openmetrics    all of them, for promtool
// clang-format on
//
// Exit codes: 0 when something was printed, 1 when the file has nothing to
// print, 2 for a command line that means nothing.
#ifndef POOLSCOPE_EXPORTER_BLACKBOX_BLACK_BOX_COMMAND_H_
#define POOLSCOPE_EXPORTER_BLACKBOX_BLACK_BOX_COMMAND_H_

#include <ostream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "poolscope/metrics/native_memory/nmt_view.h"

namespace poolscope {

struct BlackBoxCommand {
  enum class Output { kReport, kMetrics, kOpenMetrics };

  bool help = false;  // and nothing else
  std::string path;
  Output output = Output::kReport;
  absl::Duration last = absl::Minutes(15);  // before the last record
  NmtScale scale;
};

extern const absl::string_view kBlackBoxUsage;

// InvalidArgumentError names the argument that is wrong and the remedy.
absl::StatusOr<BlackBoxCommand> ParseBlackBoxCommand(
    const std::vector<std::string>& arguments);

// Runs the command and returns the exit code. What was left out of an output
// that is for programs is said on `error`.
int RunBlackBoxCommand(const std::vector<std::string>& arguments,
                       std::ostream& output, std::ostream& error);

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_BLACKBOX_BLACK_BOX_COMMAND_H_
