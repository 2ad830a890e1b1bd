#include "poolscope/examples/demo/websocket_load_counts.h"

#include <cstddef>
#include <iterator>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace poolscope::demo {
namespace {

constexpr absl::string_view kWord = "counts";

constexpr uint64_t WebSocketLoadCounts::*const kFields[] = {
    &WebSocketLoadCounts::connected, &WebSocketLoadCounts::opened,
    &WebSocketLoadCounts::messages,  &WebSocketLoadCounts::wrong,
    &WebSocketLoadCounts::pings,     &WebSocketLoadCounts::lost,
    &WebSocketLoadCounts::closed,
};

}  // namespace

std::string FormatLoadCounts(const WebSocketLoadCounts& counts) {
  std::string line(kWord);
  for (const auto field : kFields) absl::StrAppend(&line, " ", counts.*field);
  return line;
}

std::optional<WebSocketLoadCounts> ParseLoadCounts(absl::string_view line) {
  const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
  if (words.size() != 1 + std::size(kFields) || words[0] != kWord) {
    return std::nullopt;
  }
  WebSocketLoadCounts counts;
  for (size_t i = 0; i < std::size(kFields); ++i) {
    if (!absl::SimpleAtoi(words[i + 1], &(counts.*kFields[i]))) {
      return std::nullopt;
    }
  }
  return counts;
}

}  // namespace poolscope::demo
