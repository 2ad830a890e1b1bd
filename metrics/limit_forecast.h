// LimitForecast: when a limit is reached, at the pace of the last minutes.
//
//   LimitForecast forecast;
//   every five seconds:
//     forecast.Add(clock.NowNanos(), limit.used_bytes);
//     eta = forecast.SecondsUntilUsed(limit.headroom_bytes);   // or nothing
//
// The pace is the median of the slopes between all pairs of samples in the
// window (the estimator of Theil and Sen): up to 29 % of the samples may be
// outliers, and one burst does not move it. There is an estimate while all of
// these hold, else none:
//
//   * the window has kMinSamples samples;
//   * five of eight pairs rise. With noise alone, or after a single step, about
//     one in two does: 5/8 is 2.8 standard deviations away at 61 samples, and a
//     step in the middle of the window gives 51 %;
//   * the floor rises: the least of the newest third of the window is above the
//     least of the oldest by at least half of what the pace makes of it. Memory
//     that is taken and given back in turns (a sawtooth) rises most of the time
//     and returns to the same floor, and is not growing;
//   * the limit is less than a day away: what is further off follows the
//     day's traffic rather than the last five minutes. This is the least growth
//     as well: 0.35 % of the headroom within a window of five minutes.
//
// A sawtooth whose teeth are longer than a third of the window cannot be told
// from growth. A limit that is reached more slowly than in a day is a matter
// for predict_linear() over hours, in Prometheus.
//
// Cost: 1830 slopes an estimate, some 30 us; 1 KiB.
//
// Thread safety: thread-compatible.
#ifndef POOLSCOPE_METRICS_LIMIT_FORECAST_H_
#define POOLSCOPE_METRICS_LIMIT_FORECAST_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

namespace poolscope {

class LimitForecast {
 public:
  // The window: with a sample each five seconds, five minutes.
  static constexpr size_t kMaxSamples = 61;
  static constexpr size_t kMinSamples = 12;
  static constexpr double kHorizonSeconds = 24 * 3600;

  // `now_nanos` on a clock that never goes back; the same instant twice counts
  // once, the later value.
  void Add(int64_t now_nanos, uint64_t used_bytes);

  // Seconds until `headroom_bytes` are used up; absent while not growing.
  std::optional<double> SecondsUntilUsed(uint64_t headroom_bytes) const;

 private:
  struct Sample {
    int64_t nanos;
    double used_bytes;
  };

  // The least of the third of the samples that begins at `first`.
  Sample LeastOfThird(size_t first) const;

  std::deque<Sample> samples_;  // by time
};

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_LIMIT_FORECAST_H_
