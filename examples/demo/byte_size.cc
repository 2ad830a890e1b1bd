#include "poolscope/examples/demo/byte_size.h"

#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace poolscope::demo {
namespace {

constexpr uint64_t kMaxBytes = uint64_t{1} << 60;

absl::Status BadSize(absl::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrCat("'", absl::CHexEscape(text),
                   "' is not a size: give bytes, or a number followed by k, m "
                   "or g (14336, 14k, 14KiB, 256m)"));
}

// The power of two that a suffix stands for, or -1.
int SuffixShift(absl::string_view suffix) {
  const std::string lower = absl::AsciiStrToLower(suffix);
  if (lower.empty() || lower == "b") return 0;
  if (lower == "k" || lower == "kb" || lower == "kib") return 10;
  if (lower == "m" || lower == "mb" || lower == "mib") return 20;
  if (lower == "g" || lower == "gb" || lower == "gib") return 30;
  return -1;
}

}  // namespace

absl::StatusOr<ByteSize> ParseByteSize(absl::string_view text) {
  size_t digits = 0;
  while (digits < text.size() && absl::ascii_isdigit(text[digits])) ++digits;
  uint64_t number = 0;
  if (!absl::SimpleAtoi(text.substr(0, digits), &number)) return BadSize(text);
  const int shift = SuffixShift(text.substr(digits));
  if (shift < 0) return BadSize(text);
  if (number > (kMaxBytes >> shift)) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text, "' is too large: at most 2^60 bytes"));
  }
  return ByteSize{number << shift};
}

std::string FormatByteSize(uint64_t bytes) {
  static constexpr const char* kUnits[] = {"KiB", "MiB", "GiB",
                                           "TiB", "PiB", "EiB"};
  if (bytes < 1024) return absl::StrFormat("%d B", bytes);
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  // 1023.95 would be printed as 1024.0.
  while (value >= 1023.95 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  return absl::StrFormat("%.1f %s", value, kUnits[unit]);
}

bool AbslParseFlag(absl::string_view text, ByteSize* size, std::string* error) {
  const absl::StatusOr<ByteSize> parsed = ParseByteSize(text);
  if (!parsed.ok()) {
    *error = std::string(parsed.status().message());
    return false;
  }
  *size = *parsed;
  return true;
}

std::string AbslUnparseFlag(ByteSize size) { return absl::StrCat(size.bytes); }

}  // namespace poolscope::demo
