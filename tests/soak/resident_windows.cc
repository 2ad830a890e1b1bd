#include "poolscope/tests/soak/resident_windows.h"

#include <cmath>
#include <cstddef>
#include <numeric>
#include <vector>

#include "absl/strings/str_format.h"

namespace poolscope::soak {
namespace {

uint64_t Mean(const std::vector<uint64_t>& values) {
  if (values.empty()) return 0;
  return std::accumulate(values.begin(), values.end(), uint64_t{0}) /
         values.size();
}

double Mib(uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

}  // namespace

double ResidentWindows::change() const {
  if (means[0] == 0) return 0;
  return static_cast<double>(means[2]) / static_cast<double>(means[0]) - 1;
}

std::string ResidentWindows::Text() const {
  return absl::StrFormat("%.1f, %.1f and %.1f MiB, %+.2f %%", Mib(means[0]),
                         Mib(means[1]), Mib(means[2]), 100 * change());
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
    windows.means[i] = Mean(values[i]);
  }
  return windows;
}

bool IsFlat(const ResidentWindows& windows, double share) {
  return std::abs(windows.change()) <= share;
}

}  // namespace poolscope::soak
