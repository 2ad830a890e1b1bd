// LatencyHistogram: round trips counted by duration, for percentiles.
//
// Log-linear: 32 buckets an octave of microseconds, so that a percentile is at
// most 3 % too high; from 1 us to 2^36 us (19 hours).
//
//   LatencyHistogram histogram;
//   histogram.Record(absl::Milliseconds(75));         // any thread
//   LatencySnapshot now = histogram.Snapshot();       // any thread
//   now.Since(before).Percentile(0.99);               // of the last interval
#ifndef POOLSCOPE_EXAMPLES_DEMO_LATENCY_HISTOGRAM_H_
#define POOLSCOPE_EXAMPLES_DEMO_LATENCY_HISTOGRAM_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/time/time.h"

namespace poolscope::demo {

inline constexpr size_t kLatencyBuckets = 32 * 33;

// What was recorded up to a moment, or between two. A plain value.
class LatencySnapshot {
 public:
  LatencySnapshot() = default;

  // What came after `earlier`, a snapshot of the same histogram.
  LatencySnapshot Since(const LatencySnapshot& earlier) const;

  // The duration that `quantile` (0 to 1) of the values do not exceed, rounded
  // up to its bucket's bound. Nothing when no value was recorded.
  std::optional<absl::Duration> Percentile(double quantile) const;

  uint64_t count() const;

 private:
  friend class LatencyHistogram;

  std::array<uint64_t, kLatencyBuckets> counts_{};
};

// Thread-safe. The counts are statistics only, hence relaxed.
class LatencyHistogram {
 public:
  void Record(absl::Duration value);
  LatencySnapshot Snapshot() const;

 private:
  std::array<std::atomic<uint64_t>, kLatencyBuckets> counts_{};
};

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_LATENCY_HISTOGRAM_H_
