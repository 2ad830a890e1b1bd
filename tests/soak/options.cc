#include "poolscope/tests/soak/options.h"

#include <getopt.h>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace poolscope::soak {
namespace {

constexpr int kMaxThreads = 1024;
constexpr absl::Duration kMinDuration = absl::Milliseconds(100);
constexpr absl::Duration kMaxDuration = absl::Hours(7 * 24);

absl::Status Refuse(absl::string_view flag, absl::string_view value,
                    absl::string_view give) {
  return absl::InvalidArgumentError(
      absl::StrCat(flag, "=", value, ": give ", give));
}

absl::Status Apply(int flag, const char* value, Options& options) {
  switch (flag) {
    case 'h':
      options.help = true;
      break;
    case 'd':
      if (!absl::ParseDuration(value, &options.duration) ||
          options.duration < kMinDuration || options.duration > kMaxDuration) {
        return Refuse("--duration", value, "100ms to 168h, as 90s or 10m");
      }
      break;
    case 't':
      if (!absl::SimpleAtoi(value, &options.threads) || options.threads < 1 ||
          options.threads > kMaxThreads) {
        return Refuse("--threads", value, absl::StrCat("1 to ", kMaxThreads));
      }
      break;
    case 's':
      if (!absl::SimpleAtoi(value, &options.seed)) {
        return Refuse("--seed", value, "a number from 0 to 2^64 - 1");
      }
      break;
    case 'l':
      options.layouts.clear();
      for (ChunkLayout layout : {ChunkLayout::kRuns, ChunkLayout::kBuddy}) {
        if (absl::string_view(value) == "both" ||
            absl::string_view(value) == ChunkLayoutName(layout)) {
          options.layouts.push_back(layout);
        }
      }
      if (options.layouts.empty()) {
        return Refuse("--layout", value, "runs, buddy or both");
      }
      break;
  }
  return absl::OkStatus();
}

}  // namespace

std::string HelpText() {
  return R"(Uses the pool from many threads at once, and checks its figures.

  soak [--duration=60s] [--threads=64] [--layout=both] [--seed=1]

  --duration=D     how long, 100ms to 168h
  --threads=N      threads that allocate and free, 1 to 1024; half of them are
                   ended and started again all the time
  --layout=NAME    runs, buddy, or both: a pool of each, used side by side
  --seed=N         of what the threads do; their turns are the system's

Each pool may use 48 MiB, which is not enough. Meanwhile a sidecar is scraped
over HTTP, snapshots are taken, the invariants checked, memory trimmed. At the
end nothing may be in use, and the pools' counts must be those of the threads.

Prints a line each five seconds. Ctrl-C ends the run early, with the same
checks; a second one ends it at once. Exit status: 0 all held, 1 something did
not, 2 bad command line.
)";
}

absl::StatusOr<Options> ParseOptions(int argc, char** argv) {
  static constexpr option kFlags[] = {
      {"help", no_argument, nullptr, 'h'},
      {"duration", required_argument, nullptr, 'd'},
      {"threads", required_argument, nullptr, 't'},
      {"layout", required_argument, nullptr, 'l'},
      {"seed", required_argument, nullptr, 's'},
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
  if (optind < argc) {
    return absl::InvalidArgumentError(
        absl::StrCat("unexpected argument ", argv[optind], "; see --help"));
  }
  return options;
}

}  // namespace poolscope::soak
