#include "poolscope/metrics/process/smaps.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <memory>

#include "absl/strings/str_cat.h"
#include "poolscope/metrics/process/own_proc_file.h"

namespace poolscope {
namespace {

// A read of procfs gives at most a page or so of lines, whatever is asked for.
constexpr size_t kReadBytes = 32 << 10;

// Takes a number of the given base (10 or 16, in lower case) off the front of
// *text. False, when there is none or it is above 64 bits.
bool TakeNumber(absl::string_view* text, uint64_t base, uint64_t* number) {
  uint64_t value = 0;
  size_t at = 0;
  for (; at < text->size(); ++at) {
    const char c = (*text)[at];
    uint64_t digit = base;
    if (c >= '0' && c <= '9') digit = c - '0';
    if (c >= 'a' && c <= 'f') digit = c - 'a' + 10;
    if (digit >= base) break;
    if (value > (std::numeric_limits<uint64_t>::max() - digit) / base) {
      return false;
    }
    value = value * base + digit;
  }
  if (at == 0) return false;
  text->remove_prefix(at);
  *number = value;
  return true;
}

bool Take(absl::string_view* text, char wanted) {
  if (text->empty() || text->front() != wanted) return false;
  text->remove_prefix(1);
  return true;
}

void SkipBlanks(absl::string_view* text) {
  while (Take(text, ' ') || Take(text, '\t')) {
  }
}

// One of four letters: set, unset, or no such thing.
bool TakeFlag(absl::string_view* text, char set, char unset, bool* flag) {
  *flag = !text->empty() && text->front() == set;
  return Take(text, *flag ? set : unset);
}

// start-end rwxp offset major:minor inode    name
bool ParseMapping(absl::string_view line, Mapping* mapping) {
  uint64_t device;
  if (!TakeNumber(&line, 16, &mapping->start) || !Take(&line, '-') ||
      !TakeNumber(&line, 16, &mapping->end) || !Take(&line, ' ') ||
      mapping->start >= mapping->end ||
      !TakeFlag(&line, 'r', '-', &mapping->readable) ||
      !TakeFlag(&line, 'w', '-', &mapping->writable) ||
      !TakeFlag(&line, 'x', '-', &mapping->executable) ||
      !TakeFlag(&line, 's', 'p', &mapping->shared) || !Take(&line, ' ') ||
      !TakeNumber(&line, 16, &mapping->file_offset) || !Take(&line, ' ') ||
      !TakeNumber(&line, 16, &device) || !Take(&line, ':') ||
      !TakeNumber(&line, 16, &device) || !Take(&line, ' ') ||
      !TakeNumber(&line, 10, &mapping->inode)) {
    return false;
  }
  if (!line.empty() && line.front() != ' ') return false;
  SkipBlanks(&line);
  mapping->resident_bytes = 0;
  mapping->name.assign(line.data(), line.size());
  return true;
}

bool IsHexDigit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

}  // namespace

absl::Status SmapsParser::ParseLine(absl::string_view line) {
  if (stopped_) return absl::OkStatus();
  ++line_number_;
  // Names of fields begin in upper case.
  if (!line.empty() && IsHexDigit(line.front())) {
    Visit();
    in_mapping_ = ParseMapping(line, &mapping_);
    if (in_mapping_) return absl::OkStatus();
    return absl::DataLossError(
        absl::StrCat("line ", line_number_, " is no mapping"));
  }
  constexpr absl::string_view kResident = "Rss:";
  if (line.substr(0, kResident.size()) != kResident) return absl::OkStatus();
  line.remove_prefix(kResident.size());
  SkipBlanks(&line);
  uint64_t kibibytes;
  if (!in_mapping_ || !TakeNumber(&line, 10, &kibibytes) ||
      kibibytes > std::numeric_limits<uint64_t>::max() / 1024) {
    return absl::DataLossError(
        absl::StrCat("line ", line_number_, " is no size of a mapping"));
  }
  mapping_.resident_bytes = kibibytes * 1024;
  return absl::OkStatus();
}

void SmapsParser::Visit() {
  if (in_mapping_ && !stopped_) stopped_ = !visit_(mapping_);
  in_mapping_ = false;
}

absl::Status SmapsParser::Feed(absl::string_view text) {
  while (!text.empty()) {
    const size_t length = std::min(text.find('\n'), text.size());
    const absl::string_view line = text.substr(0, length);
    const bool ended = length < text.size();
    text.remove_prefix(length + ended);
    if (ended && partial_.empty()) {
      const absl::Status parsed = ParseLine(line.substr(0, kMaxLineBytes));
      if (!parsed.ok()) return parsed;
      continue;
    }
    const size_t room = kMaxLineBytes - partial_.size();
    partial_.append(line.data(), std::min(line.size(), room));
    if (!ended) break;
    const absl::Status parsed = ParseLine(partial_);
    partial_.clear();
    if (!parsed.ok()) return parsed;
  }
  return absl::OkStatus();
}

absl::Status SmapsParser::Finish() {
  if (!partial_.empty()) {
    const absl::Status parsed = ParseLine(partial_);
    partial_.clear();
    if (!parsed.ok()) return parsed;
  }
  Visit();
  return absl::OkStatus();
}

absl::Status ReadSmaps(absl::string_view proc_root, MappingVisitor visit) {
  const OwnProcFile file(proc_root, "smaps");
  if (file.fd() < 0) {
    return absl::NotFoundError(
        absl::StrCat("cannot open ", file.path(), ": ", std::strerror(errno)));
  }
  SmapsParser parser(visit);
  const auto buffer = std::make_unique<char[]>(kReadBytes);
  absl::Status status;
  ssize_t length = 0;
  while (status.ok() && !parser.stopped()) {
    length = read(file.fd(), buffer.get(), kReadBytes);
    if (length < 0 && errno == EINTR) continue;
    if (length <= 0) break;
    status = parser.Feed(absl::string_view(buffer.get(), length));
  }
  if (length < 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot read ", file.path(), ": ", std::strerror(errno)));
  }
  if (status.ok()) status = parser.Finish();
  if (status.ok()) return status;
  return absl::DataLossError(absl::StrCat(file.path(), ": ", status.message()));
}

}  // namespace poolscope
