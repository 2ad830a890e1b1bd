// The bench: poolscope beside glibc, jemalloc, tcmalloc and mimalloc.
// See README.md for the method.
#include <regex.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "poolscope/bench/cell.h"
#include "poolscope/bench/options.h"
#include "poolscope/bench/policy.h"
#include "poolscope/bench/progress.h"
#include "poolscope/bench/report.h"
#include "poolscope/bench/runner.h"

namespace poolscope::bench {
namespace {

constexpr int kUsageError = 2;
constexpr int kInterrupted = 128 + SIGINT;

std::atomic<bool> g_stop{false};

// Ctrl-C ends the measurement after the policy whose turn it is.
void StopOnInterrupt() {
  struct sigaction action = {};
  action.sa_handler = [](int) { g_stop.store(true); };
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

// The allocators keep their thread's state in static thread-local storage, of
// which the dynamic loader leaves too little to objects opened at run time; it
// reads how much at the start of the process, so the process starts again.
void ReserveThreadLocalStorage(char** argv) {
  constexpr char kVariable[] = "GLIBC_TUNABLES";
  constexpr char kTunable[] = "glibc.rtld.optional_static_tls";
  const char* present = getenv(kVariable);
  if (present != nullptr && std::strstr(present, kTunable) != nullptr) return;
  const std::string tunables = absl::StrCat(
      present == nullptr ? "" : absl::StrCat(present, ":"), kTunable, "=65536");
  setenv(kVariable, tunables.c_str(), /*overwrite=*/1);
  execv("/proc/self/exe", argv);
  absl::FPrintF(stderr, "bench: cannot start again with %s=%s: %s\n", kVariable,
                tunables, std::strerror(errno));
  std::exit(1);
}

std::string ProgramDirectory() {
  char path[PATH_MAX];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof(path));
  const std::string program(path, std::max<ssize_t>(length, 0));
  return program.substr(0, program.rfind('/'));
}

std::string CellNames() {
  return absl::StrJoin(AllCells(), " ", [](std::string* out, const Cell& cell) {
    absl::StrAppend(out, cell.name);
  });
}

absl::StatusOr<std::vector<Cell>> SelectCells(const std::string& filter) {
  regex_t regex;
  const int error = regcomp(&regex, filter.c_str(), REG_EXTENDED | REG_NOSUB);
  if (error != 0) {
    char reason[128];
    regerror(error, &regex, reason, sizeof(reason));
    return absl::InvalidArgumentError(absl::StrCat(
        "--filter=", filter, " is no extended regular expression: ", reason));
  }
  std::vector<Cell> cells;
  for (const Cell& cell : AllCells()) {
    if (regexec(&regex, cell.name.c_str(), 0, nullptr, 0) == 0) {
      cells.push_back(cell);
    }
  }
  regfree(&regex);
  if (cells.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--filter=", filter, " matches no cell; there are ", CellNames()));
  }
  return cells;
}

int UsageError(absl::string_view message) {
  absl::FPrintF(stderr, "bench: %s\n", message);
  return kUsageError;
}

// Runs without a clock.
int RunPairs(const Options& options) {
  const auto spec = std::find_if(
      AllPolicies().begin(), AllPolicies().end(),
      [&](const PolicySpec& entry) { return entry.name == options.policy; });
  if (spec == AllPolicies().end()) {
    return UsageError(absl::StrCat(
        "--policy=", options.policy, " is none of ",
        absl::StrJoin(AllPolicies(), " ",
                      [](std::string* out, const PolicySpec& entry) {
                        absl::StrAppend(out, entry.name);
                      })));
  }
  const auto cell = std::find_if(
      AllCells().begin(), AllCells().end(),
      [&](const Cell& entry) { return entry.name == options.cell; });
  if (cell == AllCells().end()) {
    return UsageError(
        absl::StrCat("--cell=", options.cell, " is none of ", CellNames()));
  }
  const absl::StatusOr<Policy> policy = LoadPolicy(*spec, ProgramDirectory());
  if (!policy.ok()) {
    absl::FPrintF(stderr, "bench: %s: %s\n", spec->name,
                  policy.status().message());
    return 1;
  }
  if (!cell->Takes(*policy)) {
    return UsageError(absl::StrCat("--cell=", options.cell,
                                   " cannot be run by ", options.policy));
  }
  cell->make(*policy)->Run(options.pairs);
  return 0;
}

std::vector<Policy> LoadPolicies() {
  const std::string directory = ProgramDirectory();
  std::vector<Policy> policies;
  for (const PolicySpec& spec : AllPolicies()) {
    absl::StatusOr<Policy> policy = LoadPolicy(spec, directory);
    if (policy.ok()) {
      policies.push_back(*std::move(policy));
    } else {
      absl::FPrintF(stderr, "bench: %s left out: %s\n", spec.name,
                    policy.status().message());
    }
  }
  return policies;
}

// "poolscope 3.41, tcmalloc 3.10, ratio 1.10".
std::string Describe(const std::vector<Measurement>& cell,
                     const std::vector<Policy>& policies) {
  const std::optional<Comparison> comparison = Compare(cell, policies);
  std::vector<std::string> words;
  for (const Measurement& entry : cell) {
    if (!comparison || entry.policy == comparison->best_peer ||
        entry.policy == "poolscope") {
      words.push_back(
          absl::StrFormat("%s %.2f", entry.policy, entry.median_ns));
    }
  }
  if (comparison) {
    words.push_back(absl::StrFormat("ratio %.2f", comparison->ratio));
  }
  return absl::StrJoin(words, ", ");
}

int Measure(const std::vector<Cell>& cells, const Options& options,
            std::ofstream csv) {
  RunnerOptions rounds;
  rounds.rounds = options.rounds;
  if (options.quick) {
    rounds.rounds = std::min(options.rounds, 7);
    rounds.round_time = absl::Milliseconds(5);
  }
  const std::vector<Policy> policies = LoadPolicies();
  absl::PrintF("%d rounds of %s a cell and policy, %d processors\n",
               rounds.rounds, absl::FormatDuration(rounds.round_time),
               std::thread::hardware_concurrency());
  std::fflush(stdout);

  StopOnInterrupt();
  Runner runner(policies, rounds, &g_stop);
  Progress progress(cells.size(), rounds.rounds);
  std::vector<Measurement> all;
  csv << CsvHeader() << std::flush;
  for (const Cell& cell : cells) {
    const std::vector<Measurement> measured = runner.Measure(
        cell, [&](int round) { progress.Round(cell.name, round); });
    // An interrupted cell is told from a finished one by nothing in its row,
    // so it has none.
    if (g_stop.load()) break;
    progress.CellDone(cell.name, Describe(measured, policies));
    for (const Measurement& entry : measured) csv << CsvRow(entry);
    csv.flush();
    all.insert(all.end(), measured.begin(), measured.end());
  }
  absl::PrintF("%s", FormatTables(all, policies));
  if (csv.is_open() && !csv) {
    absl::FPrintF(stderr, "bench: --csv=%s could not be written in full\n",
                  options.csv);
    return 1;
  }
  if (g_stop.load()) {
    absl::FPrintF(stderr, "\nbench: interrupted; what is above was finished\n");
    return kInterrupted;
  }
  return 0;
}

int Main(int argc, char** argv) {
  ReserveThreadLocalStorage(argv);
  const absl::StatusOr<Options> parsed = ParseOptions(argc, argv);
  if (!parsed.ok()) return UsageError(parsed.status().message());
  const Options& options = *parsed;
  if (options.help) {
    absl::PrintF("%s", HelpText());
    return 0;
  }
  if (options.pairs > 0) return RunPairs(options);

  const absl::StatusOr<std::vector<Cell>> cells = SelectCells(options.filter);
  if (!cells.ok()) return UsageError(cells.status().message());
  std::ofstream csv;
  if (!options.csv.empty()) {
    csv.open(options.csv, std::ios::trunc);
    if (!csv) {
      return UsageError(absl::StrCat(
          "--csv=", options.csv, " cannot be written: ", std::strerror(errno)));
    }
  }
  return Measure(*cells, options, std::move(csv));
}

}  // namespace
}  // namespace poolscope::bench

int main(int argc, char** argv) { return poolscope::bench::Main(argc, argv); }
