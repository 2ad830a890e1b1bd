#include "poolscope/bench/progress.h"

#include <unistd.h>

#include <cstdio>

#include "absl/strings/str_format.h"

namespace poolscope::bench {
namespace {

constexpr char kEraseLine[] = "\r\033[K";

}  // namespace

Progress::Progress(int cells, int rounds)
    : cells_(cells), rounds_(rounds), terminal_(isatty(STDERR_FILENO) == 1) {}

void Progress::Round(const std::string& cell, int round) {
  if (!terminal_) return;
  absl::FPrintF(stderr, "%s[%2d/%d] %-18s round %d/%d", kEraseLine, done_ + 1,
                cells_, cell, round, rounds_);
}

void Progress::Begin(const std::string& trial) {
  if (!terminal_) return;
  absl::FPrintF(stderr, "%s[%2d/%d] %s", kEraseLine, done_ + 1, cells_, trial);
}

void Progress::CellDone(const std::string& cell, const std::string& result) {
  ++done_;
  absl::FPrintF(stderr, "%s[%2d/%d] %-18s %s\n", terminal_ ? kEraseLine : "",
                done_, cells_, cell, result);
}

}  // namespace poolscope::bench
