#include "poolscope/examples/demo/http_head.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace poolscope::demo {
namespace {

constexpr absl::string_view kLineEnd = "\r\n";
constexpr absl::string_view kHeadEnd = "\r\n\r\n";

// Of a header's name (RFC 9110, section 5.6.2).
bool IsTokenCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         absl::string_view("!#$%&'*+-.^_`|~").find(c) !=
             absl::string_view::npos;
}

// Of a value or a start line.
bool IsTextCharacter(char c) {
  return c == '\t' || !absl::ascii_iscntrl(static_cast<unsigned char>(c));
}

absl::Status Malformed(absl::string_view line) {
  return absl::InvalidArgumentError(
      absl::StrCat("malformed line '", absl::CHexEscape(line), "'"));
}

}  // namespace

absl::StatusOr<std::optional<HttpHead>> HttpHead::Parse(
    absl::string_view received) {
  const absl::string_view searched = received.substr(0, kMaxHttpHeadBytes);
  const size_t end = searched.find(kHeadEnd);
  if (end == absl::string_view::npos) {
    if (received.size() >= kMaxHttpHeadBytes) {
      return absl::ResourceExhaustedError(
          absl::StrCat("the head is longer than ", kMaxHttpHeadBytes));
    }
    return std::nullopt;
  }
  HttpHead head;
  head.size_bytes_ = end + kHeadEnd.size();
  bool first = true;
  for (const absl::string_view line :
       absl::StrSplit(received.substr(0, end), kLineEnd)) {
    if (!std::all_of(line.begin(), line.end(), IsTextCharacter)) {
      return Malformed(line);
    }
    if (first) {
      head.start_line_ = line;
      first = false;
      continue;
    }
    const absl::Status status = head.ParseLine(line);
    if (!status.ok()) return status;
  }
  return head;
}

absl::Status HttpHead::ParseLine(absl::string_view line) {
  if (headers_.size() == kMaxHttpHeaders) {
    return absl::ResourceExhaustedError(
        absl::StrCat("more than ", kMaxHttpHeaders, " headers"));
  }
  const size_t colon = line.find(':');
  if (colon == 0 || colon == absl::string_view::npos) return Malformed(line);
  const absl::string_view name = line.substr(0, colon);
  if (!std::all_of(name.begin(), name.end(), IsTokenCharacter)) {
    return Malformed(line);
  }
  headers_.emplace_back(name,
                        absl::StripAsciiWhitespace(line.substr(colon + 1)));
  return absl::OkStatus();
}

size_t HttpHead::Count(absl::string_view name) const {
  return static_cast<size_t>(std::count_if(
      headers_.begin(), headers_.end(), [name](const auto& header) {
        return absl::EqualsIgnoreCase(header.first, name);
      }));
}

absl::string_view HttpHead::Only(absl::string_view name) const {
  if (Count(name) != 1) return absl::string_view();
  for (const auto& [other, value] : headers_) {
    if (absl::EqualsIgnoreCase(other, name)) return value;
  }
  return absl::string_view();
}

std::string HttpHead::Joined(absl::string_view name) const {
  std::string joined;
  for (const auto& [other, value] : headers_) {
    if (!absl::EqualsIgnoreCase(other, name)) continue;
    absl::StrAppend(&joined, joined.empty() ? "" : ", ", value);
  }
  return joined;
}

bool HttpHead::ListHas(absl::string_view name, absl::string_view word) const {
  const std::string list = Joined(name);
  for (const absl::string_view item : absl::StrSplit(list, ',')) {
    if (absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(item), word)) {
      return true;
    }
  }
  return false;
}

}  // namespace poolscope::demo
