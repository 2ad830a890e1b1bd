// JudgeResident(): whether a process's resident memory stays where it is.
//
//   |warm-up|------ first ------|------ second -----|------ third ------|
//   0      1/10               4/10                7/10                  1
//
// The first tenth of the time is left out. Of each third of the rest a high
// tide is taken, what nine of ten samples do not exceed: there the pools are at
// their limits, which stay where they are, while how full they are on the
// average follows the load. Flat is where the high tides of the first and of
// the third differ by no more than a share.
//
// Pure functions of plain values.
#ifndef POOLSCOPE_TESTS_SOAK_RESIDENT_WINDOWS_H_
#define POOLSCOPE_TESTS_SOAK_RESIDENT_WINDOWS_H_

#include <array>
#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "absl/types/span.h"

namespace poolscope::soak {

struct ResidentSample {
  absl::Duration at;  // since the beginning
  uint64_t bytes = 0;
};

struct ResidentWindows {
  // In order of time; 0 for a window without a sample.
  std::array<uint64_t, 3> high_tides{};

  // The third's mean over the first's, less 1: 0.02 is 2 % more. 0 where
  // there is none.
  double change() const;
  // "120.1, 120.3 and 120.2 MiB, +0.1 %".
  std::string Text() const;
};

// `samples` in order of time; the last one ends the third window.
ResidentWindows JudgeResident(absl::Span<const ResidentSample> samples);

// Either way, no further than `share`.
bool IsFlat(const ResidentWindows& windows, double share);

}  // namespace poolscope::soak

#endif  // POOLSCOPE_TESTS_SOAK_RESIDENT_WINDOWS_H_
