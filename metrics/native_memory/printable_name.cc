#include "poolscope/metrics/native_memory/printable_name.h"

#include "absl/strings/str_cat.h"
#include "poolscope/metrics/utf8.h"

namespace poolscope {

std::string PrintableName(absl::string_view name) {
  const bool utf8 = IsUtf8(name);
  std::string printable;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !utf8)) {
      absl::StrAppend(&printable, "\\x", absl::Hex(byte, absl::kZeroPad2));
    } else {
      printable.push_back(c);
    }
  }
  return printable;
}

}  // namespace poolscope
