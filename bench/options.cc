#include "poolscope/bench/options.h"

#include <limits>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "poolscope/bench/command_line.h"

namespace poolscope::bench {

std::string HelpText() {
  return R"(Compares allocators, poolscope among them.

  bench [FILTER] [--csv=FILE] [--rounds=N] [--quick]
  bench --pairs=N --policy=NAME --cell=NAME
  bench --trial=NAME --policy=NAME [--quick]

  FILTER, --filter=FILTER  only cells whose name holds this extended regular
                           expression (a filter that matches nothing lists them)
  --csv=FILE               also write cell,policy,median_ns,min_ns,p90_ns; where
                           it is no time, the cell's name ends in the unit
  --rounds=N               rounds of 20 ms for each cell and policy (31)
  --quick                  at most 7 rounds, of 5 ms; smaller loads, once each
  --pairs=N                measure nothing: run N pairs of one cell with one
                           policy, for an instruction counter to watch
  --policy=NAME            glibc jemalloc tcmalloc mimalloc floor poolscope
                           buddy no_stats
  --cell=NAME              the whole name of a cell
  --trial=NAME             run one load of those that need a process of their
                           own here and now, and print its figures: rss_floor
                           rss_floor_without_idle burst trim fragmentation
                           scaling scrape_cost leak_cost buffer channel_cost
                           outbound walk_cost_100 walk_cost_2000
                           walk_cost_50000

Tables go to standard output, progress to standard error. Ctrl-C ends the run;
the cells that were finished are shown. Exit status: 0 done, 1 failed, 2 bad
command line, 130 interrupted.
)";
}

absl::StatusOr<Options> ParseOptions(int argc, char** argv) {
  Options options;
  std::string filter;
  CommandLine line;
  line.AddSwitch("help", &options.help);
  line.AddSwitch("quick", &options.quick);
  line.AddText("filter", &options.filter);
  line.AddText("csv", &options.csv);
  line.AddText("policy", &options.policy);
  line.AddText("cell", &options.cell);
  line.AddText("trial", &options.trial);
  line.AddNumber("rounds", 1, 10000, &options.rounds);
  line.AddNumber<uint64_t>("pairs", 1, std::numeric_limits<uint64_t>::max(),
                           &options.pairs);
  line.AddArgument(&filter);
  if (absl::Status status = line.Parse(argc, argv); !status.ok()) {
    return status;
  }
  if (!filter.empty() && !options.filter.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("unexpected argument ", filter, "; there is one filter"));
  }
  if (!filter.empty()) options.filter = filter;

  const bool counting = options.pairs > 0;
  const bool trial = !options.trial.empty();
  if (counting != !options.cell.empty() ||
      (counting || trial) != !options.policy.empty() || (counting && trial)) {
    return absl::InvalidArgumentError(
        "--policy needs --trial, or --pairs and --cell");
  }
  return options;
}

}  // namespace poolscope::bench
