// HttpMetrics: counts of the answers given, by handler, code and duration.
//
// Every series is there from the start: handlers and codes are closed sets.
//
// Thread safety: thread-safe. Counters are relaxed: statistics only. A snapshot
// derives a histogram's total from its buckets, so that they agree.
#ifndef POOLSCOPE_EXPORTER_HTTP_METRICS_H_
#define POOLSCOPE_EXPORTER_HTTP_METRICS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "poolscope/metrics/http_stats.h"

namespace poolscope {

class HttpMetrics {
 public:
  // Upper bounds of the buckets, in seconds.
  static constexpr std::array<double, 9> kBounds = {
      0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.01, 0.1, 1, 10};

  // `handlers` are the names counted; the last one takes every name that is not
  // among them.
  explicit HttpMetrics(const std::vector<std::string>& handlers);
  HttpMetrics(const HttpMetrics&) = delete;
  HttpMetrics& operator=(const HttpMetrics&) = delete;

  void Record(absl::string_view handler, int code, double seconds);

  HttpStats Snapshot() const;

 private:
  // What this server can answer; anything else is counted as the last.
  static constexpr std::array<int, 16> kCodes = {200, 304, 400, 401, 403, 404,
                                                 405, 408, 409, 414, 429, 431,
                                                 501, 503, 505, 500};

  struct Handler {
    std::string name;
    std::array<std::atomic<uint64_t>, kCodes.size()> by_code{};
    std::array<std::atomic<uint64_t>, kBounds.size() + 1> by_duration{};
    std::atomic<uint64_t> sum_nanos{0};
  };

  std::deque<Handler> handlers_;  // constant but for the counters
};

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_HTTP_METRICS_H_
