#include "poolscope/exporter/scrape_timeout.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/numbers.h"

namespace poolscope {
namespace {

constexpr absl::Duration kDefault = absl::Seconds(10);
constexpr absl::Duration kMost = absl::Seconds(60);
constexpr absl::Duration kMostMargin = absl::Milliseconds(500);

}  // namespace

absl::Duration ScrapePatience(absl::string_view timeout) {
  double seconds = 0;
  if (!absl::SimpleAtod(timeout, &seconds) || !std::isfinite(seconds) ||
      seconds <= 0) {
    return kDefault;
  }
  const absl::Duration whole = absl::Seconds(seconds);
  return std::min(whole - std::min(whole / 10, kMostMargin), kMost);
}

}  // namespace poolscope
