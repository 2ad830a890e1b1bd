#include "poolscope/tests/soak/options.h"

#include <limits>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "poolscope/bench/command_line.h"

namespace poolscope::soak {
namespace {

bool TakeDuration(absl::string_view value, absl::Duration* duration) {
  return absl::ParseDuration(value, duration) &&
         *duration >= absl::Milliseconds(100) &&
         *duration <= absl::Hours(7 * 24);
}

bool TakeLayouts(absl::string_view value, std::vector<ChunkLayout>* layouts) {
  layouts->clear();
  for (ChunkLayout layout : {ChunkLayout::kRuns, ChunkLayout::kBuddy}) {
    if (value == "both" || value == ChunkLayoutName(layout)) {
      layouts->push_back(layout);
    }
  }
  return !layouts->empty();
}

}  // namespace

std::string HelpText() {
  return R"(Uses the pool from many threads at once, and checks its figures.

  soak [--duration=60s] [--threads=64] [--layout=both] [--seed=1] [--leak=0]

  --duration=D     how long, 100ms to 168h
  --threads=N      threads that allocate and free, 1 to 1024; half of them are
                   ended and started again all the time
  --layout=NAME    runs, buddy, or both: a pool of each, used side by side
  --seed=N         of what the threads do; their turns are the system's
  --leak=KIB       keeps so many KiB more each second, which is to be found

Each pool may use 48 MiB, which is not enough. Beside them clients send messages
through the demo's relay, whose pool may use 2 MiB, and stop reading now and
then. Meanwhile a sidecar is scraped over HTTP, snapshots are taken, the
invariants checked, memory trimmed, mappings refused, and the level of the leak
detectors changed.

At the end nothing may be in use, the pools' counts must be those of the
threads, and every message answered, refused or cancelled. Resident memory, by
the high tides of three windows after the first tenth of the time, must be flat
within 2 %; within 20 % in less than twenty minutes, and not judged in less
than twenty seconds or with a sanitizer. malloc has two arenas.

Prints a line each five seconds. Ctrl-C ends the run early, with the same
checks; a second one ends it at once. Exit status: 0 all held, 1 something did
not, 2 bad command line.
)";
}

absl::StatusOr<Options> ParseOptions(int argc, char** argv) {
  Options options;
  CommandLine line;
  line.AddSwitch("help", &options.help);
  line.Add("duration", "100ms to 168h, as 90s or 10m",
           [&](absl::string_view value) {
             return TakeDuration(value, &options.duration);
           });
  line.AddNumber("threads", 1, 1024, &options.threads);
  line.Add("layout", "runs, buddy or both", [&](absl::string_view value) {
    return TakeLayouts(value, &options.layouts);
  });
  line.AddNumber<uint64_t>("leak", 0, 1 << 20, &options.leak_kib_per_second);
  line.AddNumber<uint64_t>("seed", 0, std::numeric_limits<uint64_t>::max(),
                           &options.seed);
  if (absl::Status status = line.Parse(argc, argv); !status.ok()) {
    return status;
  }
  return options;
}

}  // namespace poolscope::soak
