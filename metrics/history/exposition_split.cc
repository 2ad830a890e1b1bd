#include "poolscope/metrics/history/exposition_split.h"

#include <cstddef>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace poolscope {

absl::string_view TakeLine(absl::string_view& text) {
  const size_t end = text.find('\n');
  const absl::string_view line = text.substr(0, end);
  text.remove_prefix(end == absl::string_view::npos ? text.size() : end + 1);
  return line;
}

void SplitExposition(absl::string_view text, std::string& names,
                     std::string& values) {
  names.clear();
  values.clear();
  while (!text.empty()) {
    const absl::string_view line = TakeLine(text);
    // A value has no blank; a label's may.
    const size_t blank =
        absl::StartsWith(line, "#") ? absl::string_view::npos : line.rfind(' ');
    absl::StrAppend(&names, line.substr(0, blank), "\n");
    if (blank == absl::string_view::npos) continue;
    absl::StrAppend(&values, line.substr(blank + 1), "\n");
  }
}

std::optional<std::string> JoinExposition(absl::string_view names,
                                          absl::string_view values) {
  std::string text;
  while (!names.empty()) {
    const absl::string_view line = TakeLine(names);
    if (absl::StartsWith(line, "#")) {
      absl::StrAppend(&text, line, "\n");
      continue;
    }
    if (values.empty()) return std::nullopt;
    absl::StrAppend(&text, line, " ", TakeLine(values), "\n");
  }
  if (!values.empty()) return std::nullopt;
  return text;
}

}  // namespace poolscope
