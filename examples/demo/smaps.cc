#include "poolscope/examples/demo/smaps.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <limits>
#include <optional>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace poolscope::demo {
namespace {

constexpr size_t kReadBytes = 64 << 10;

// The next field of a line, less the spaces in front of it.
absl::string_view TakeField(absl::string_view* line) {
  *line = absl::StripLeadingAsciiWhitespace(*line);
  const absl::string_view field = line->substr(0, line->find(' '));
  line->remove_prefix(field.size());
  return field;
}

// "begin-end perms offset device inode   name"; nothing for another line.
std::optional<SmapsMapping> ParseHeader(absl::string_view line) {
  SmapsMapping mapping;
  const absl::string_view range = TakeField(&line);
  const size_t dash = range.find('-');
  if (dash == absl::string_view::npos ||
      !absl::SimpleHexAtoi(range.substr(0, dash), &mapping.begin) ||
      !absl::SimpleHexAtoi(range.substr(dash + 1), &mapping.end) ||
      mapping.end < mapping.begin) {
    return std::nullopt;
  }
  const absl::string_view permissions = TakeField(&line);
  if (permissions.size() != 4) return std::nullopt;
  mapping.writable = permissions[1] == 'w';
  mapping.accessible = permissions.substr(0, 3) != "---";
  mapping.shared = permissions[3] == 's';
  for (int skipped = 0; skipped < 3; ++skipped) {
    if (TakeField(&line).empty()) return std::nullopt;
  }
  mapping.name = std::string(absl::StripLeadingAsciiWhitespace(line));
  return mapping;
}

// "Rss:   96 kB", without "Rss:".
std::optional<uint64_t> ParseKilobytes(absl::string_view text) {
  uint64_t kilobytes = 0;
  if (!absl::ConsumeSuffix(&text, " kB") ||
      !absl::SimpleAtoi(absl::StripAsciiWhitespace(text), &kilobytes) ||
      kilobytes > std::numeric_limits<uint64_t>::max() / 1024) {
    return std::nullopt;
  }
  return kilobytes * 1024;
}

absl::Status Misread(absl::string_view line) {
  return absl::DataLossError(
      absl::StrCat("smaps has the line '", absl::CHexEscape(line), "'"));
}

}  // namespace

absl::StatusOr<std::vector<SmapsMapping>> ParseSmaps(absl::string_view text) {
  std::vector<SmapsMapping> mappings;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (line.empty()) continue;
    const absl::string_view whole = line;
    // A field's name ends with a colon; of a mapping's line the first word has
    // none.
    const absl::string_view first = line.substr(0, line.find(' '));
    if (first.empty() || first.back() != ':') {
      std::optional<SmapsMapping> mapping = ParseHeader(line);
      if (!mapping.has_value()) return Misread(whole);
      mappings.push_back(*std::move(mapping));
    } else if (absl::ConsumePrefix(&line, "Rss:")) {
      const std::optional<uint64_t> resident = ParseKilobytes(line);
      if (!resident.has_value() || mappings.empty()) return Misread(whole);
      mappings.back().resident_bytes = *resident;
    }
  }
  return mappings;
}

absl::StatusOr<std::vector<SmapsMapping>> ReadSmaps(
    absl::string_view proc_root) {
  const std::string path = absl::StrCat(proc_root, "/self/smaps");
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    return absl::NotFoundError(
        absl::StrCat("cannot open ", path, ": ", std::strerror(errno)));
  }
  const auto closer = absl::MakeCleanup([file] { close(file); });
  std::string text;
  while (true) {
    const size_t before = text.size();
    text.resize(before + kReadBytes);
    const ssize_t n = read(file, &text[before], kReadBytes);
    if (n < 0 && errno != EINTR) {
      return absl::NotFoundError(
          absl::StrCat("cannot read ", path, ": ", std::strerror(errno)));
    }
    text.resize(before + (n > 0 ? static_cast<size_t>(n) : 0));
    if (n == 0) break;
  }
  return ParseSmaps(text);
}

}  // namespace poolscope::demo
