#include "poolscope/examples/demo/latency_histogram.h"

#include <algorithm>
#include <cmath>

namespace poolscope::demo {
namespace {

constexpr int kSubBucketBits = 5;
constexpr uint64_t kSubBuckets = 1 << kSubBucketBits;

// Values below 32 have a bucket each; every octave above has 32, of which the
// value's five bits below its highest one choose.
size_t BucketOf(uint64_t micros) {
  if (micros < kSubBuckets) return micros;
  int highest = 63;
  while ((micros >> highest) == 0) --highest;
  const int shift = highest - kSubBucketBits;
  const size_t bucket = static_cast<size_t>(shift + 1) * kSubBuckets +
                        ((micros >> shift) - kSubBuckets);
  return std::min(bucket, kLatencyBuckets - 1);
}

// The largest value of a bucket.
uint64_t UpperBound(size_t bucket) {
  if (bucket < kSubBuckets) return bucket;
  const uint64_t shift = bucket / kSubBuckets - 1;
  const uint64_t top = kSubBuckets + bucket % kSubBuckets;
  return ((top + 1) << shift) - 1;
}

}  // namespace

LatencySnapshot LatencySnapshot::Since(const LatencySnapshot& earlier) const {
  LatencySnapshot difference;
  for (size_t i = 0; i < kLatencyBuckets; ++i) {
    difference.counts_[i] = counts_[i] - earlier.counts_[i];
  }
  return difference;
}

uint64_t LatencySnapshot::count() const {
  uint64_t total = 0;
  for (const uint64_t count : counts_) total += count;
  return total;
}

std::optional<absl::Duration> LatencySnapshot::Percentile(
    double quantile) const {
  const uint64_t total = count();
  if (total == 0) return std::nullopt;
  const uint64_t rank = std::max<uint64_t>(
      1,
      static_cast<uint64_t>(std::ceil(quantile * static_cast<double>(total))));
  uint64_t seen = 0;
  size_t bucket = 0;
  for (; bucket + 1 < kLatencyBuckets; ++bucket) {
    seen += counts_[bucket];
    if (seen >= rank) break;
  }
  return absl::Microseconds(UpperBound(bucket));
}

void LatencyHistogram::Record(absl::Duration value) {
  const int64_t micros = std::max<int64_t>(0, absl::ToInt64Microseconds(value));
  counts_[BucketOf(static_cast<uint64_t>(micros))].fetch_add(
      1, std::memory_order_relaxed);
}

LatencySnapshot LatencyHistogram::Snapshot() const {
  LatencySnapshot snapshot;
  for (size_t i = 0; i < kLatencyBuckets; ++i) {
    snapshot.counts_[i] = counts_[i].load(std::memory_order_relaxed);
  }
  return snapshot;
}

}  // namespace poolscope::demo
