// MonotonicNow(): the time that the demo's deadlines and round trips are
// measured with, since an arbitrary fixed point. Thread-safe.
#ifndef POOLSCOPE_EXAMPLES_DEMO_MONOTONIC_TIME_H_
#define POOLSCOPE_EXAMPLES_DEMO_MONOTONIC_TIME_H_

#include <chrono>

#include "absl/time/time.h"

namespace poolscope::demo {

inline absl::Duration MonotonicNow() {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_MONOTONIC_TIME_H_
