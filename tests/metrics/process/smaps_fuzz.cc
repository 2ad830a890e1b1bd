// The parser of smaps as a target of libFuzzer: `./dev fuzz smaps`.
//
// The first byte of the input is about the size of pieces, the second the
// number of mappings after which the visitor has enough, the rest the text; the
// first two bytes 1 in it stand for kLongRun letters each, so that a line
// longer than any is short here. The text in one piece and in pieces must be
// parsed alike, and what a visitor sees that stops must be the beginning of it;
// the sanitizers see to the rest.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "poolscope/metrics/process/smaps.h"
#include "poolscope/tests/fuzz/fuzz_input.h"

namespace poolscope {
namespace {

constexpr size_t kLongRun = 9000;  // two exceed the longest line that is kept
constexpr size_t kAll = std::numeric_limits<size_t>::max();

// What a visitor sees that wants `most` mappings, a line each, and the status.
std::string Parse(absl::string_view text, size_t piece_bytes,
                  size_t most = kAll) {
  std::string seen;
  size_t mappings = 0;
  SmapsParser parser([&](const Mapping& mapping) {
    FuzzCheck(++mappings <= most, "no mapping for who has enough");
    FuzzCheck(mapping.start < mapping.end, "a mapping has bytes");
    FuzzCheck(mapping.resident_bytes % 1024 == 0, "whole kibibytes");
    FuzzCheck(mapping.name.find('\n') == std::string::npos,
              "a name is of one line");
    absl::StrAppend(&seen, mapping.start, " ", mapping.end, " ",
                    mapping.resident_bytes, " ", mapping.name, "\n");
    return mappings < most;
  });
  absl::Status status;
  while (!text.empty() && status.ok()) {
    status = parser.Feed(text.substr(0, piece_bytes));
    text.remove_prefix(std::min(text.size(), piece_bytes));
  }
  if (status.ok()) status = parser.Finish();
  FuzzCheck(parser.stopped() == (mappings == most), "stopped when it is said");
  return absl::StrCat(seen, parser.stopped() ? "" : status.ToString());
}

void Fuzz(FuzzInput input) {
  const size_t least_bytes = input.Byte() + size_t{1};
  const size_t most = input.Byte() + size_t{1};
  const std::vector<absl::string_view> parts =
      absl::StrSplit(input.Rest(), absl::MaxSplits('\1', 2));
  const std::string text = absl::StrJoin(parts, std::string(kLongRun, 'x'));
  // A long text in a few hundred pieces: it costs what a short one does.
  const size_t piece_bytes = least_bytes + text.size() / 256;
  const std::string whole = Parse(text, text.size() + 1);
  FuzzCheck(Parse(text, piece_bytes) == whole, "cut text is parsed alike");
  const std::string first = Parse(text, piece_bytes, most);
  FuzzCheck(absl::StartsWith(whole, first), "who stops sees the beginning");
}

}  // namespace
}  // namespace poolscope

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  poolscope::Fuzz(poolscope::FuzzInput(data, size));
  return 0;
}
