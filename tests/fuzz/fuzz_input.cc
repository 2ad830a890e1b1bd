#include "poolscope/tests/fuzz/fuzz_input.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace poolscope {

uint8_t FuzzInput::Byte() {
  if (rest_.empty()) return 0;
  const uint8_t byte = rest_.front();
  rest_.remove_prefix(1);
  return byte;
}

uint64_t FuzzInput::Number() {
  uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | Byte();
  return value;
}

double FuzzInput::Real() {
  const uint64_t bits = Number();
  double value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

absl::string_view FuzzInput::Text() {
  const size_t length = std::min(rest_.find('\0'), rest_.size());
  const absl::string_view text = rest_.substr(0, length);
  rest_.remove_prefix(std::min(length + 1, rest_.size()));
  return text;
}

absl::string_view FuzzInput::Rest() {
  const absl::string_view rest = rest_;
  rest_ = absl::string_view();
  return rest;
}

void FuzzCheck(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

}  // namespace poolscope
