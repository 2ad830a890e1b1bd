#include "poolscope/metrics/number_format.h"

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
  char* end = FormatReal(value, to);
  for (const char* c = to; c != end; ++c) {
    if (*c == '.' || *c == 'e' || *c == 'f' || *c == 'N') return end;
  }
  return Copy(".0", end);
}

}  // namespace poolscope
