#include "poolscope/metrics/limit_forecast.h"

#include <algorithm>
#include <vector>

namespace poolscope {

void LimitForecast::Add(int64_t now_nanos, uint64_t used_bytes) {
  if (!samples_.empty() && samples_.back().nanos >= now_nanos) {
    samples_.pop_back();
  }
  samples_.push_back({now_nanos, static_cast<double>(used_bytes)});
  if (samples_.size() > kMaxSamples) samples_.pop_front();
}

LimitForecast::Sample LimitForecast::LeastOfThird(size_t first) const {
  return *std::min_element(samples_.begin() + first,
                           samples_.begin() + first + samples_.size() / 3,
                           [](const Sample& a, const Sample& b) {
                             return a.used_bytes < b.used_bytes;
                           });
}

std::optional<double> LimitForecast::SecondsUntilUsed(
    uint64_t headroom_bytes) const {
  const size_t count = samples_.size();
  if (count < kMinSamples) return std::nullopt;
  std::vector<double> slopes;  // bytes a nanosecond
  slopes.reserve(count * (count - 1) / 2);
  for (size_t later = 1; later < count; ++later) {
    for (size_t earlier = 0; earlier < later; ++earlier) {
      slopes.push_back(
          (samples_[later].used_bytes - samples_[earlier].used_bytes) /
          static_cast<double>(samples_[later].nanos - samples_[earlier].nanos));
    }
  }
  const auto quantile = [&](size_t rank) {
    std::nth_element(slopes.begin(), slopes.begin() + rank, slopes.end());
    return slopes[rank];
  };
  if (quantile(slopes.size() * 3 / 8) <= 0) return std::nullopt;
  const double pace = quantile(slopes.size() / 2);

  const Sample oldest = LeastOfThird(0);
  const Sample newest = LeastOfThird(count - count / 3);
  const double floor_growth = newest.used_bytes - oldest.used_bytes;
  const double expected =
      pace * static_cast<double>(newest.nanos - oldest.nanos);
  if (floor_growth <= 0 || floor_growth < expected / 2) return std::nullopt;

  const double seconds = static_cast<double>(headroom_bytes) / pace / 1e9;
  if (seconds > kHorizonSeconds) return std::nullopt;
  return seconds;
}

}  // namespace poolscope
