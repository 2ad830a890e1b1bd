#include "poolscope/examples/demo/message_sizes.h"

#include <algorithm>
#include <cmath>

namespace poolscope::demo {
namespace {

// 0 <= result < 1, evenly, whatever the seeds: those of a load are consecutive.
// The finalizer of splitmix64.
double Uniform(uint64_t seed) {
  uint64_t x = seed + 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  x ^= x >> 31;
  return static_cast<double>(x >> 11) * 0x1p-53;
}

}  // namespace

MessageSizes::MessageSizes(uint32_t min_bytes, uint32_t max_bytes)
    : min_bytes_(min_bytes), max_bytes_(max_bytes) {}

uint32_t MessageSizes::SizeOf(uint64_t seed) const {
  // The inverse of 1 - ShareAbove().
  const double root =
      1 - Uniform(seed) * (1 - std::sqrt(min_bytes_ / max_bytes_));
  return static_cast<uint32_t>(
      std::clamp(min_bytes_ / (root * root), min_bytes_, max_bytes_));
}

double MessageSizes::mean_bytes() const {
  return std::sqrt(min_bytes_ * max_bytes_);
}

double MessageSizes::ShareAbove(double bytes) const {
  if (bytes < min_bytes_) return 1;
  if (bytes >= max_bytes_) return 0;
  const double tail = std::sqrt(min_bytes_ / max_bytes_);
  return (std::sqrt(min_bytes_ / bytes) - tail) / (1 - tail);
}

}  // namespace poolscope::demo
