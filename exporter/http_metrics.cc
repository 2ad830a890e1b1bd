#include "poolscope/exporter/http_metrics.h"

#include <algorithm>

namespace poolscope {

HttpMetrics::HttpMetrics(const std::vector<std::string>& handlers) {
  for (const std::string& name : handlers) {
    handlers_.emplace_back();
    handlers_.back().name = name;
  }
}

void HttpMetrics::Record(absl::string_view handler, int code, double seconds) {
  const auto found =
      std::find_if(handlers_.begin(), handlers_.end() - 1,
                   [&](const Handler& each) { return each.name == handler; });
  const auto code_at = std::find(kCodes.begin(), kCodes.end() - 1, code);
  const auto bucket = std::lower_bound(kBounds.begin(), kBounds.end(), seconds);
  found->by_code[code_at - kCodes.begin()].fetch_add(1,
                                                     std::memory_order_relaxed);
  found->by_duration[bucket - kBounds.begin()].fetch_add(
      1, std::memory_order_relaxed);
  found->sum_nanos.fetch_add(static_cast<uint64_t>(seconds * 1e9),
                             std::memory_order_relaxed);
}

HttpStats HttpMetrics::Snapshot() const {
  HttpStats stats;
  for (const Handler& handler : handlers_) {
    stats.emplace_back();
    HttpHandlerStats& values = stats.back();
    values.handler = handler.name;
    for (size_t i = 0; i < kCodes.size(); ++i) {
      values.codes.push_back(
          {kCodes[i], handler.by_code[i].load(std::memory_order_relaxed)});
    }
    for (size_t i = 0; i <= kBounds.size(); ++i) {
      values.duration_count +=
          handler.by_duration[i].load(std::memory_order_relaxed);
      if (i < kBounds.size()) {
        values.durations.push_back({kBounds[i], values.duration_count});
      }
    }
    values.duration_sum_seconds =
        handler.sum_nanos.load(std::memory_order_relaxed) * 1e-9;
  }
  return stats;
}

}  // namespace poolscope
