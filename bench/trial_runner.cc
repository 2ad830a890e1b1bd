#include "poolscope/bench/trial_runner.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <map>
#include <set>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace poolscope::bench {
namespace {

constexpr auto kTimeLimit = std::chrono::minutes(2);

// Reads to the end, and returns true; false at the deadline or the stop.
bool ReadAll(int file, std::chrono::steady_clock::time_point deadline,
             const std::atomic<bool>& stop, std::string& text) {
  constexpr int kLookUpMs = 200;
  while (!stop.load() && std::chrono::steady_clock::now() < deadline) {
    pollfd poller = {file, POLLIN, 0};
    const int ready = poll(&poller, 1, kLookUpMs);
    if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
    char buffer[4096];
    const ssize_t length = read(file, buffer, sizeof(buffer));
    if (length <= 0) return true;
    text.append(buffer, length);
  }
  return false;
}

// Its exit status, in words unless it is 0.
std::string Describe(int status) {
  if (WIFSIGNALED(status)) {
    return absl::StrCat("ended by signal ", WTERMSIG(status));
  }
  return WEXITSTATUS(status) == 0
             ? ""
             : absl::StrCat("exit status ", WEXITSTATUS(status));
}

}  // namespace

absl::StatusOr<std::string> OutputOf(const std::vector<std::string>& command,
                                     const std::atomic<bool>& stop) {
  std::vector<char*> argv;
  for (const std::string& word : command) {
    argv.push_back(const_cast<char*>(word.c_str()));
  }
  argv.push_back(nullptr);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return absl::InternalError(absl::StrCat("pipe: ", std::strerror(errno)));
  }
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    execv(argv[0], argv.data());
    _exit(127);
  }
  close(ends[1]);
  if (child < 0) {
    close(ends[0]);
    return absl::InternalError(absl::StrCat("fork: ", std::strerror(errno)));
  }
  std::string text;
  const bool ended = ReadAll(
      ends[0], std::chrono::steady_clock::now() + kTimeLimit, stop, text);
  close(ends[0]);
  if (!ended) kill(child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  const std::string failure =
      ended ? Describe(status) : "ended after two minutes or by an interrupt";
  if (!failure.empty()) {
    return absl::InternalError(
        absl::StrCat(absl::StrJoin(command, " "), ": ", failure));
  }
  return text;
}

absl::StatusOr<std::vector<std::pair<std::string, double>>> ParseFigures(
    absl::string_view output) {
  std::vector<std::pair<std::string, double>> figures;
  for (absl::string_view line :
       absl::StrSplit(output, '\n', absl::SkipEmpty())) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    double value = 0;
    if (words.size() != 2 || !absl::SimpleAtod(words[1], &value)) {
      return absl::InternalError(
          absl::StrCat("printed what is no figure: ", line));
    }
    figures.emplace_back(words[0], value);
  }
  return figures;
}

std::vector<Measurement> TrialRunner::Measure(
    const Trial& trial, const std::vector<Contestant>& contestants) {
  std::map<std::pair<std::string, std::string>, std::vector<double>> samples;
  std::set<std::string> failed;
  const int runs = options_.quick ? 1 : trial.runs;
  for (int run = 0; run < runs; ++run) {
    for (size_t i = 0; i < contestants.size() && !stop_->load(); ++i) {
      const Contestant& contestant =
          contestants[(i + run) % contestants.size()];
      if (failed.count(contestant.policy) > 0) continue;
      const absl::StatusOr<std::string> output =
          OutputOf(contestant.command, *stop_);
      auto figures = output.ok() ? ParseFigures(*output) : output.status();
      if (stop_->load()) break;  // the interrupt reached the child as well
      if (!figures.ok()) {
        failed_ = true;
        failed.insert(contestant.policy);
        absl::FPrintF(stderr, "bench: %s left out of %s: %s\n",
                      contestant.policy, trial.name,
                      figures.status().message());
        continue;
      }
      for (const auto& [cell, value] : *figures) {
        samples[{cell, contestant.policy}].push_back(value);
      }
    }
  }
  std::vector<Measurement> measurements;
  for (const TrialCell& cell : trial.cells) {
    for (const Contestant& contestant : contestants) {
      const auto found = samples.find({cell.name, contestant.policy});
      if (found == samples.end() || failed.count(contestant.policy) > 0) {
        continue;
      }
      const std::vector<double>& values = found->second;
      measurements.push_back({trial.group, cell.name, contestant.policy,
                              Median(values),
                              *std::min_element(values.begin(), values.end()),
                              Percentile(values, 90)});
    }
  }
  return measurements;
}

}  // namespace poolscope::bench
