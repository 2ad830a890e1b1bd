#include "poolscope/metrics/number_format.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

namespace poolscope {
namespace {

char* Copy(absl::string_view text, char* to) {
  std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

}  // namespace

char* FormatInteger(uint64_t value, char* to) {
  return std::to_chars(to, to + kMaxNumberLength, value).ptr;
}

char* FormatReal(double value, char* to) {
  if (std::isnan(value)) return Copy("NaN", to);
  if (std::isinf(value)) return Copy(value > 0 ? "+Inf" : "-Inf", to);
  return std::to_chars(to, to + kMaxNumberLength, value).ptr;
}

char* FormatBound(double value, char* to) {
  // Where plain digits fit: at most 15 before the point, or 4 + 17 behind it.
  const double magnitude = std::fabs(value);
  if (value != 0 && !(magnitude >= 1e-4 && magnitude < 1e15)) {
    return FormatReal(value, to);
  }
  char* end =
      std::to_chars(to, to + kMaxNumberLength, value, std::chars_format::fixed)
          .ptr;
  if (std::find(to, end, '.') == end) end = Copy(".0", end);
  return end;
}

}  // namespace poolscope
