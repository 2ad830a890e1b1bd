// The soak: the pool under everything at once, for a minute. See --help.
#include <malloc.h>
#include <signal.h>
#include <time.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "poolscope/tests/soak/options.h"
#include "poolscope/tests/soak/soak.h"

namespace poolscope::soak {
namespace {

constexpr absl::Duration kProgressInterval = absl::Seconds(5);
// Without one allocation by any thread: they wait for one another.
constexpr absl::Duration kStuckAfter = absl::Seconds(60);

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

// Waits for `time`, or until Ctrl-C: true then.
bool InterruptedWithin(absl::Duration time) {
  const sigset_t signals = StopSignals();
  const timespec timeout = absl::ToTimespec(time);
  return sigtimedwait(&signals, nullptr, &timeout) > 0;
}

void PrintProgress(absl::Duration elapsed, const SoakProgress& now) {
  absl::PrintF(
      "%4d s: %d allocations, %d refused, %d handed over, %d threads ended, "
      "%d of %d MiB used; %d messages, %d answered, %d refused, %d cancelled; "
      "%d scrapes, %d snapshots, %d trims, %d checks, %d levels, %d mappings "
      "refused; %d MiB resident\n",
      absl::ToInt64Seconds(elapsed), now.work.allocations, now.work.refusals,
      now.work.handed_over, now.threads_ended, now.used_bytes >> 20,
      now.limit_bytes >> 20, now.messages.sent, now.messages.answered,
      now.messages.refused, now.messages.cancelled, now.scrapes, now.snapshots,
      now.trims, now.checks, now.level_changes, now.refused_mappings,
      now.resident_bytes >> 20);
  std::fflush(stdout);
}

// Until the time is over, something is found, or Ctrl-C. The time it took.
absl::Duration Wait(const Options& options, const Soak& soak) {
  const absl::Time begun = absl::Now();
  absl::Time next_line = begun + kProgressInterval;
  absl::Time last_alive = begun;
  uint64_t seen = 0;
  while (absl::Now() < begun + options.duration && soak.Found().empty()) {
    if (InterruptedWithin(absl::Milliseconds(100))) {
      absl::PrintF("interrupted; ending\n");
      break;
    }
    const absl::Time now = absl::Now();
    if (now < next_line) continue;
    next_line += kProgressInterval;
    const SoakProgress progress = soak.Progress();
    PrintProgress(now - begun, progress);
    if (progress.work.allocations != seen) last_alive = now;
    seen = progress.work.allocations;
    if (now - last_alive >= kStuckAfter) {
      absl::FPrintF(stderr, "soak: no allocation in %s: stuck\n",
                    absl::FormatDuration(kStuckAfter));
      std::abort();
    }
  }
  return absl::Now() - begun;
}

int Main(int argc, char** argv) {
  const absl::StatusOr<Options> options = ParseOptions(argc, argv);
  if (!options.ok()) {
    absl::FPrintF(stderr, "soak: %s\n", options.status().message());
    return 2;
  }
  if (options->help) {
    absl::PrintF("%s", HelpText());
    return 0;
  }
  // As services are advised that count their bytes (docs/runbook.md). What
  // glibc keeps in an arena for each of 16 threads grows for an hour.
  mallopt(M_ARENA_MAX, 2);
  // Before any thread is started, so that all of them leave the signals to the
  // wait above. A shell starts background jobs with SIGINT ignored.
  signal(SIGINT, SIG_DFL);
  const sigset_t signals = StopSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  absl::StatusOr<std::unique_ptr<Soak>> soak = Soak::Start(*options);
  if (!soak.ok()) {
    absl::FPrintF(stderr, "soak: %s\n", soak.status().message());
    return 1;
  }
  absl::PrintF("%d threads for %s, seed %d; %s\n", options->threads,
               absl::FormatDuration(options->duration), options->seed,
               (*soak)->url());
  std::fflush(stdout);
  const absl::Duration took = Wait(*options, **soak);
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);

  const std::vector<std::string> problems = (*soak)->End();
  PrintProgress(took, (*soak)->Progress());
  absl::PrintF("resident, high tides of three windows: %s\n",
               (*soak)->resident().Text());
  for (const std::string& problem : problems) {
    absl::FPrintF(stderr, "soak: %s\n", problem);
  }
  absl::PrintF("%s\n", problems.empty() ? "all held" : "NOT all held");
  return problems.empty() ? 0 : 1;
}

}  // namespace
}  // namespace poolscope::soak

int main(int argc, char** argv) { return poolscope::soak::Main(argc, argv); }
