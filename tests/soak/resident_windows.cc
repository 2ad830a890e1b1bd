#include "poolscope/tests/soak/resident_windows.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"

namespace poolscope::soak {
namespace {

// What nine of ten do not exceed.
uint64_t HighTide(std::vector<uint64_t> values) {
  if (values.empty()) return 0;
  const auto tide = values.begin() + (values.size() - 1) * 9 / 10;
  std::nth_element(values.begin(), tide, values.end());
  return *tide;
}

double Mib(uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

}  // namespace

double ResidentWindows::change() const {
  if (high_tides[0] == 0) return 0;
  return static_cast<double>(high_tides[2]) /
             static_cast<double>(high_tides[0]) -
         1;
}

std::string ResidentWindows::Text() const {
  return absl::StrFormat("%.1f, %.1f and %.1f MiB, %+.2f %%",
                         Mib(high_tides[0]), Mib(high_tides[1]),
                         Mib(high_tides[2]), 100 * change());
}

ResidentWindows JudgeResident(absl::Span<const ResidentSample> samples) {
  ResidentWindows windows;
  if (samples.empty()) return windows;
  const absl::Duration end = samples.back().at;
  std::array<std::vector<uint64_t>, 3> values;
  for (const ResidentSample& sample : samples) {
    if (sample.at * 10 < end) continue;
    const size_t window = sample.at * 10 < end * 4   ? 0
                          : sample.at * 10 < end * 7 ? 1
                                                     : 2;
    values[window].push_back(sample.bytes);
  }
  for (size_t i = 0; i < values.size(); ++i) {
    windows.high_tides[i] = HighTide(std::move(values[i]));
  }
  return windows;
}

bool IsFlat(const ResidentWindows& windows, double share) {
  return std::abs(windows.change()) <= share;
}

}  // namespace poolscope::soak
