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
#include "poolscope/bench/all_trials.h"
#include "poolscope/bench/cell.h"
#include "poolscope/bench/netty_peer.h"
#include "poolscope/bench/options.h"
#include "poolscope/bench/policy.h"
#include "poolscope/bench/progress.h"
#include "poolscope/bench/report.h"
#include "poolscope/bench/runner.h"
#include "poolscope/bench/trial.h"
#include "poolscope/bench/trial_runner.h"

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

// What a filter selects.
struct Selection {
  std::vector<Cell> cells;
  std::vector<Trial> trials;  // with those of their cells that it selects
};

// All there is.
Selection Everything() {
  Selection all = {AllCells(), AllTrials()};
  return all;
}

std::string CellNames() {
  const Selection all = Everything();
  std::vector<std::string> names;
  for (const Cell& cell : all.cells) names.push_back(cell.name);
  for (const Trial& trial : all.trials) {
    for (const TrialCell& cell : trial.cells) names.push_back(cell.name);
  }
  return absl::StrJoin(names, " ");
}

absl::StatusOr<Selection> Select(const std::string& filter) {
  regex_t regex;
  const int error = regcomp(&regex, filter.c_str(), REG_EXTENDED | REG_NOSUB);
  if (error != 0) {
    char reason[128];
    regerror(error, &regex, reason, sizeof(reason));
    return absl::InvalidArgumentError(absl::StrCat(
        "--filter=", filter, " is no extended regular expression: ", reason));
  }
  const auto misses = [&](const auto& cell) {
    return regexec(&regex, cell.name.c_str(), 0, nullptr, 0) != 0;
  };
  const auto keep_matching = [&](auto& cells) {
    cells.erase(std::remove_if(cells.begin(), cells.end(), misses),
                cells.end());
  };
  Selection selection = Everything();
  keep_matching(selection.cells);
  for (Trial& trial : selection.trials) keep_matching(trial.cells);
  auto& trials = selection.trials;
  trials.erase(
      std::remove_if(trials.begin(), trials.end(),
                     [](const Trial& trial) { return trial.cells.empty(); }),
      trials.end());
  regfree(&regex);
  if (selection.cells.empty() && trials.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--filter=", filter, " matches no cell; there are ", CellNames()));
  }
  return selection;
}

int UsageError(absl::string_view message) {
  absl::FPrintF(stderr, "bench: %s\n", message);
  return kUsageError;
}

// The policy that the command line names.
absl::StatusOr<Policy> LoadNamed(const std::string& name) {
  for (const PolicySpec& spec : AllPolicies()) {
    if (spec.name != name) continue;
    return LoadPolicy(spec, ProgramDirectory());
  }
  return absl::InvalidArgumentError(
      absl::StrCat("--policy=", name, " is none of ",
                   absl::StrJoin(AllPolicies(), " ",
                                 [](std::string* out, const PolicySpec& entry) {
                                   absl::StrAppend(out, entry.name);
                                 })));
}

int Fail(const std::string& policy, const absl::Status& status) {
  if (absl::IsInvalidArgument(status)) return UsageError(status.message());
  absl::FPrintF(stderr, "bench: %s: %s\n", policy, status.message());
  return 1;
}

// Runs without a clock.
int RunPairs(const Options& options) {
  const auto cell = std::find_if(
      AllCells().begin(), AllCells().end(),
      [&](const Cell& entry) { return entry.name == options.cell; });
  if (cell == AllCells().end()) {
    return UsageError(absl::StrCat(
        "--cell=", options.cell, " is none of ",
        absl::StrJoin(AllCells(), " ", [](std::string* out, const Cell& entry) {
          absl::StrAppend(out, entry.name);
        })));
  }
  const absl::StatusOr<Policy> policy = LoadNamed(options.policy);
  if (!policy.ok()) return Fail(options.policy, policy.status());
  if (absl::Status tried = TryOnce(*policy); !tried.ok()) {
    return Fail(options.policy, tried);
  }
  if (!cell->Takes(*policy)) {
    return UsageError(absl::StrCat("--cell=", options.cell,
                                   " cannot be run by ", options.policy));
  }
  cell->make(*policy)->Run(options.pairs);
  return 0;
}

// Runs a trial in this process, for the one that started it to read.
int RunTrial(const Options& options) {
  const auto trial = std::find_if(
      AllTrials().begin(), AllTrials().end(),
      [&](const Trial& entry) { return entry.name == options.trial; });
  if (trial == AllTrials().end()) {
    return UsageError(
        absl::StrCat("--trial=", options.trial, " is none of ",
                     absl::StrJoin(AllTrials(), " ",
                                   [](std::string* out, const Trial& entry) {
                                     absl::StrAppend(out, entry.name);
                                   })));
  }
  const absl::StatusOr<Policy> policy = LoadNamed(options.policy);
  if (!policy.ok()) return Fail(options.policy, policy.status());
  if (!trial->Takes(*policy)) {
    return UsageError(absl::StrCat("--trial=", options.trial,
                                   " cannot be run by ", options.policy));
  }
  const absl::Status ran = trial->run(*policy, {options.quick},
                                      [](absl::string_view cell, double value) {
                                        absl::PrintF("%s %.3f\n", cell, value);
                                      });
  return ran.ok() ? 0 : Fail(options.policy, ran);
}

std::vector<Policy> LoadPolicies() {
  const std::string directory = ProgramDirectory();
  std::vector<Policy> policies;
  for (const PolicySpec& spec : AllPolicies()) {
    absl::StatusOr<Policy> policy = LoadPolicy(spec, directory);
    const absl::Status usable =
        policy.ok() ? TryOnce(*policy) : policy.status();
    if (usable.ok()) {
      policies.push_back(*std::move(policy));
    } else {
      absl::FPrintF(stderr, "bench: %s left out: %s\n", spec.name,
                    usable.message());
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

// How each of the policies that a trial takes runs it. Without Netty, with a
// word on standard error, when that is not there.
std::vector<Contestant> ContestantsOf(const Trial& trial,
                                      const std::vector<Policy>& policies,
                                      TrialOptions options) {
  std::vector<Contestant> contestants;
  if (trial.beside_netty) {
    const char* path = getenv("PATH");
    absl::StatusOr<std::vector<std::string>> command = NettyCommand(
        ProgramDirectory(), path == nullptr ? "" : path, kDebianJars, options);
    if (command.ok()) {
      contestants.push_back({"netty", *std::move(command)});
    } else {
      absl::FPrintF(stderr, "bench: netty left out: %s\n",
                    command.status().message());
    }
  }
  for (const Policy& policy : policies) {
    if (!trial.Takes(policy)) continue;
    contestants.push_back(
        {policy.name,
         {"/proc/self/exe", absl::StrCat("--trial=", trial.name),
          absl::StrCat("--policy=", policy.name)}});
    if (options.quick) contestants.back().command.push_back("--quick");
  }
  return contestants;
}

// What a run has come to; each table is printed at the end.
struct Results {
  std::vector<Measurement> pairs;
  std::vector<Measurement> trials;
  bool failed = false;
};

void MeasureCells(const std::vector<Cell>& cells, RunnerOptions rounds,
                  const std::vector<Policy>& policies, Progress& progress,
                  std::ofstream& csv, Results& results) {
  Runner runner(policies, rounds, &g_stop);
  for (const Cell& cell : cells) {
    const std::vector<Measurement> measured = runner.Measure(
        cell, [&](int round) { progress.Round(cell.name, round); });
    // An interrupted cell is told from a finished one by nothing in its row,
    // so it has none.
    if (g_stop.load()) return;
    progress.CellDone(cell.name, Describe(measured, policies));
    for (const Measurement& entry : measured) csv << CsvRow(entry);
    csv.flush();
    results.pairs.insert(results.pairs.end(), measured.begin(), measured.end());
  }
}

void MeasureTrials(const std::vector<Trial>& trials, TrialOptions options,
                   const std::vector<Policy>& policies, Progress& progress,
                   std::ofstream& csv, Results& results) {
  TrialRunner runner(options, &g_stop);
  for (const Trial& trial : trials) {
    progress.Begin(trial.name);
    const std::vector<Contestant> contestants =
        ContestantsOf(trial, policies, options);
    const std::vector<Measurement> measured =
        runner.Measure(trial, contestants);
    if (g_stop.load()) break;
    progress.CellDone(trial.name, absl::StrCat(measured.size(), " figures"));
    for (const Measurement& entry : measured) csv << CsvRow(entry);
    for (const TrialCell& cell : trial.cells) {
      if (cell.bar && !measured.empty()) csv << CsvRow(cell, *cell.bar);
    }
    csv.flush();
    results.trials.insert(results.trials.end(), measured.begin(),
                          measured.end());
  }
  results.failed = runner.failed();
}

int Measure(const Selection& selection, const Options& options,
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
  Progress progress(selection.cells.size() + selection.trials.size(),
                    rounds.rounds);
  Results results;
  csv << CsvHeader() << std::flush;
  MeasureCells(selection.cells, rounds, policies, progress, csv, results);
  MeasureTrials(selection.trials, {options.quick}, policies, progress, csv,
                results);
  absl::PrintF("%s%s", FormatTables(results.pairs, policies),
               FormatTrialTables(results.trials, selection.trials));
  if (csv.is_open() && !csv) {
    absl::FPrintF(stderr, "bench: --csv=%s could not be written in full\n",
                  options.csv);
    return 1;
  }
  if (g_stop.load()) {
    absl::FPrintF(stderr, "\nbench: interrupted; what is above was finished\n");
    return kInterrupted;
  }
  return results.failed ? 1 : 0;
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
  if (!options.trial.empty()) return RunTrial(options);

  const absl::StatusOr<Selection> selection = Select(options.filter);
  if (!selection.ok()) return UsageError(selection.status().message());
  std::ofstream csv;
  if (!options.csv.empty()) {
    csv.open(options.csv, std::ios::trunc);
    if (!csv) {
      return UsageError(absl::StrCat(
          "--csv=", options.csv, " cannot be written: ", std::strerror(errno)));
    }
  }
  return Measure(*selection, options, std::move(csv));
}

}  // namespace
}  // namespace poolscope::bench

int main(int argc, char** argv) { return poolscope::bench::Main(argc, argv); }
