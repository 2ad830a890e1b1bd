#include "poolscope/bench/options.h"

#include <getopt.h>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace poolscope::bench {
namespace {

constexpr int kMaxRounds = 10000;

absl::Status OutOfRange(absl::string_view flag, absl::string_view value,
                        absl::string_view range) {
  return absl::InvalidArgumentError(
      absl::StrCat(flag, "=", value, " is no number ", range));
}

// One flag with its value, which is null for a flag that takes none.
absl::Status Apply(int flag, const char* value, Options& options) {
  switch (flag) {
    case 'h':
      options.help = true;
      break;
    case 'q':
      options.quick = true;
      break;
    case 'f':
      options.filter = value;
      break;
    case 'o':
      options.csv = value;
      break;
    case 'p':
      options.policy = value;
      break;
    case 'c':
      options.cell = value;
      break;
    case 't':
      options.trial = value;
      break;
    case 'r':
      if (!absl::SimpleAtoi(value, &options.rounds) || options.rounds < 1 ||
          options.rounds > kMaxRounds) {
        return OutOfRange("--rounds", value,
                          absl::StrCat("from 1 to ", kMaxRounds));
      }
      break;
    case 'n':
      if (!absl::SimpleAtoi(value, &options.pairs) || options.pairs == 0) {
        return OutOfRange("--pairs", value, "above 0");
      }
      break;
  }
  return absl::OkStatus();
}

}  // namespace

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
                           scaling scrape_cost

Tables go to standard output, progress to standard error. Ctrl-C ends the run;
the cells that were finished are shown. Exit status: 0 done, 1 failed, 2 bad
command line, 130 interrupted.
)";
}

absl::StatusOr<Options> ParseOptions(int argc, char** argv) {
  static constexpr option kFlags[] = {
      {"help", no_argument, nullptr, 'h'},
      {"quick", no_argument, nullptr, 'q'},
      {"filter", required_argument, nullptr, 'f'},
      {"csv", required_argument, nullptr, 'o'},
      {"policy", required_argument, nullptr, 'p'},
      {"cell", required_argument, nullptr, 'c'},
      {"trial", required_argument, nullptr, 't'},
      {"rounds", required_argument, nullptr, 'r'},
      {"pairs", required_argument, nullptr, 'n'},
      {nullptr, 0, nullptr, 0},
  };
  Options options;
  optind = 1;
  opterr = 0;  // said here, in the words of the rest
  while (true) {
    const int flag = getopt_long(argc, argv, "h", kFlags, nullptr);
    if (flag == -1) break;
    if (flag == '?') {
      return absl::InvalidArgumentError(
          absl::StrCat(argv[optind - 1],
                       " is no flag, or lacks or has a value; see --help"));
    }
    if (absl::Status status = Apply(flag, optarg, options); !status.ok()) {
      return status;
    }
  }
  if (argc - optind > 1 || (argc > optind && !options.filter.empty())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "unexpected argument ", argv[argc - 1], "; there is one filter"));
  }
  if (argc > optind) options.filter = argv[optind];

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
