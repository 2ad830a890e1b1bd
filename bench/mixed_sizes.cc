#include "poolscope/bench/mixed_sizes.h"

#include <cmath>
#include <random>

namespace poolscope::bench {

const SizeTable& MixedSizes() {
  static const auto& sizes = *[] {
    constexpr size_t kCount = 4096;
    constexpr double kMinBytes = 64;
    constexpr double kMaxBytes = 32768;
    // The engine's sequence is fixed by the standard; a distribution's is not.
    std::mt19937_64 engine(20240229);
    auto* table = new SizeTable(kCount);
    for (size_t& size : *table) {
      const double unit = static_cast<double>(engine() >> 11) * 0x1p-53;
      size = static_cast<size_t>(kMinBytes *
                                 std::pow(kMaxBytes / kMinBytes, unit));
    }
    return table;
  }();
  return sizes;
}

}  // namespace poolscope::bench
