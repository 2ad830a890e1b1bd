// The parser of smaps as a target of libFuzzer: `./dev fuzz smaps`. The text
// in one piece, in pieces of the size that its first byte says, and cut short
// must be parsed alike; the sanitizers see to the rest.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "poolscope/metrics/process/smaps.h"

namespace {

void Check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "smaps_fuzz: %s\n", what);
  std::abort();
}

std::string Parse(absl::string_view text, size_t piece_bytes) {
  std::string seen;
  poolscope::SmapsParser parser([&](const poolscope::Mapping& mapping) {
    Check(mapping.start < mapping.end, "an empty mapping");
    Check(mapping.resident_bytes % 1024 == 0, "part of a kibibyte");
    Check(mapping.name.find('\n') == std::string::npos, "two lines as a name");
    absl::StrAppend(&seen, mapping.start, " ", mapping.end, " ",
                    mapping.resident_bytes, " ", mapping.name, "\n");
    return true;
  });
  absl::Status status;
  while (!text.empty() && status.ok()) {
    status = parser.Feed(text.substr(0, piece_bytes));
    text.remove_prefix(std::min(text.size(), piece_bytes));
  }
  if (status.ok()) status = parser.Finish();
  return absl::StrCat(seen, status.ToString());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const absl::string_view text(reinterpret_cast<const char*>(data) + 1,
                               size - 1);
  const std::string whole = Parse(text, text.size() + 1);
  Check(Parse(text, data[0] + size_t{1}) == whole, "cut text parsed otherwise");
  Parse(text.substr(0, text.size() / 2), 64);
  return 0;
}
