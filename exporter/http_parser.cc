#include "poolscope/exporter/http_parser.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace poolscope {
namespace {

HttpRefusal Bad(absl::string_view reason) { return {400, reason}; }

// RFC 9110 5.6.2.
bool IsTokenChar(char c) {
  return absl::ascii_isalnum(c) || absl::StrContains("!#$%&'*+-.^_`|~", c);
}

bool IsToken(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsTokenChar);
}

// RFC 9110 5.5: a field may have tabs, blanks and what is not ASCII.
bool IsFieldChar(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return c == '\t' || (byte >= 0x20 && byte != 0x7f);
}

bool IsTargetChar(char c) { return c > 0x20 && c < 0x7f && c != '#'; }

// RFC 9110 5.6.3.
absl::string_view StripBlanks(absl::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
    text.remove_prefix(1);
  }
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
    text.remove_suffix(1);
  }
  return text;
}

bool IsKnownMethod(absl::string_view method) {
  for (const absl::string_view known :
       {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"}) {
    if (method == known) return true;
  }
  return false;
}

// Where a request goes, who sends it, and from where: what is decided by one of
// two could be believed of the other.
constexpr struct {
  absl::string_view name;
  absl::string_view refusal;
} kSingleFields[] = {
    {"Host", "there are two Hosts"},
    {"Origin", "there are two Origins"},
    {"Authorization", "there are two Authorizations"},
    {"Sec-Fetch-Site", "there are two Sec-Fetch-Sites"},
};
constexpr size_t kHost = 0;

// What a request line and its fields say about the message itself.
struct Framing {
  bool http_1_0 = false;
  absl::string_view authority;  // of a target with one
  bool single[std::size(kSingleFields)] = {};
  bool transfer_encoding = false;
  std::optional<absl::string_view> content_length;
  bool close = false;
  bool keep_alive = false;
};

std::optional<HttpRefusal> ParseVersion(absl::string_view version,
                                        Framing* framing) {
  if (version.size() != 8 || !absl::StartsWith(version, "HTTP/") ||
      !absl::ascii_isdigit(version[5]) || version[6] != '.' ||
      !absl::ascii_isdigit(version[7])) {
    return Bad("the request line does not end in a version, as HTTP/1.1");
  }
  if (version[5] != '1') return HttpRefusal{505, "HTTP/1.1 is spoken here"};
  framing->http_1_0 = version[7] == '0';
  return std::nullopt;
}

std::optional<HttpRefusal> ParseTarget(absl::string_view target,
                                       HttpRequest* request, Framing* framing) {
  if (!std::all_of(target.begin(), target.end(), IsTargetChar)) {
    return Bad("the target has a character that no target has");
  }
  if (absl::StartsWithIgnoreCase(target, "http://") ||
      absl::StartsWithIgnoreCase(target, "https://")) {
    target.remove_prefix(target.find("//") + 2);
    const size_t end = std::min(target.find_first_of("/?"), target.size());
    framing->authority = target.substr(0, end);
    if (framing->authority.empty()) return Bad("the target has no host");
    target.remove_prefix(end);
  } else if (!absl::StartsWith(target, "/") &&
             !(target == "*" && request->method == "OPTIONS")) {
    return Bad("the target does not begin with a '/'");
  }
  const size_t question = std::min(target.find('?'), target.size());
  request->path = target.substr(0, question);
  if (request->path.empty()) request->path = "/";
  request->query = absl::StripPrefix(target.substr(question), "?");
  return std::nullopt;
}

std::optional<HttpRefusal> ParseRequestLine(absl::string_view line,
                                            HttpRequest* request,
                                            Framing* framing) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == absl::string_view::npos || first == last) {
    return Bad("a request line has a method, a target and a version");
  }
  request->method = line.substr(0, first);
  if (!IsToken(request->method)) return Bad("the method is no token");
  if (const auto refusal = ParseVersion(line.substr(last + 1), framing)) {
    return refusal;
  }
  if (!IsKnownMethod(request->method)) {
    return HttpRefusal{501, "the method is not known here"};
  }
  return ParseTarget(line.substr(first + 1, last - first - 1), request,
                     framing);
}

std::optional<HttpRefusal> ParseField(absl::string_view line,
                                      std::vector<HttpHeader>* headers) {
  const size_t colon = line.find(':');
  if (colon == absl::string_view::npos || !IsToken(line.substr(0, colon))) {
    return Bad("a header is no name, ':' and value, or is folded");
  }
  const absl::string_view value = StripBlanks(line.substr(colon + 1));
  if (!std::all_of(value.begin(), value.end(), IsFieldChar)) {
    return Bad("a header has a control character");
  }
  if (headers->size() == kMaxFields) {
    return HttpRefusal{431, "there are too many headers"};
  }
  headers->push_back({line.substr(0, colon), value});
  return std::nullopt;
}

void NoteConnection(absl::string_view value, Framing* framing) {
  for (absl::string_view option : absl::StrSplit(value, ',')) {
    option = StripBlanks(option);
    if (absl::EqualsIgnoreCase(option, "close")) framing->close = true;
    if (absl::EqualsIgnoreCase(option, "keep-alive")) {
      framing->keep_alive = true;
    }
  }
}

// RFC 9112 6.3: what cannot be measured in one way alone is refused.
std::optional<HttpRefusal> NoteField(const HttpHeader& header,
                                     Framing* framing) {
  for (size_t i = 0; i < std::size(kSingleFields); ++i) {
    if (!absl::EqualsIgnoreCase(header.name, kSingleFields[i].name)) continue;
    if (framing->single[i]) return Bad(kSingleFields[i].refusal);
    framing->single[i] = true;
  }
  if (absl::EqualsIgnoreCase(header.name, "Content-Length")) {
    if (header.value.empty() ||
        !std::all_of(header.value.begin(), header.value.end(),
                     absl::ascii_isdigit)) {
      return Bad("the Content-Length is no number");
    }
    if (framing->content_length.value_or(header.value) != header.value) {
      return Bad("there are two lengths of the body");
    }
    framing->content_length = header.value;
  } else if (absl::EqualsIgnoreCase(header.name, "Transfer-Encoding")) {
    framing->transfer_encoding = true;
  } else if (absl::EqualsIgnoreCase(header.name, "Connection")) {
    NoteConnection(header.value, framing);
  }
  return std::nullopt;
}

std::optional<HttpRefusal> CheckFraming(const Framing& framing) {
  if (!framing.single[kHost] && !framing.http_1_0) {
    return Bad("there is no Host");
  }
  if (framing.transfer_encoding && framing.content_length.has_value()) {
    return Bad("there are two lengths of the body");
  }
  if (framing.transfer_encoding && framing.http_1_0) {
    return Bad("HTTP/1.0 has no Transfer-Encoding");
  }
  return std::nullopt;
}

// The authority of the target is the Host.
void ReplaceHost(absl::string_view authority,
                 std::vector<HttpHeader>* headers) {
  for (HttpHeader& header : *headers) {
    if (absl::EqualsIgnoreCase(header.name, "Host")) {
      header.value = authority;
      return;
    }
  }
  headers->push_back({"Host", authority});
}

}  // namespace

HeadScanner::Result HeadScanner::Scan(absl::string_view text) {
  Result result;
  size_t feed;
  while ((feed = text.find('\n', seen_)) != absl::string_view::npos) {
    if (feed + 1 - begin_ > max_bytes_) return TooLarge();
    if (feed == line_ || text[feed - 1] != '\r') {
      result.state = State::kRefused;
      result.refusal = Bad("a line does not end in CR and LF");
      return result;
    }
    const bool empty = feed - 1 == line_;
    seen_ = feed + 1;
    if (empty && line_ > begin_) {
      result.state = State::kComplete;
      result.begin = begin_;
      result.end = seen_;
      return result;
    }
    line_ = seen_;
    if (!empty) continue;
    if (begin_ > 0) {
      result.state = State::kRefused;
      result.refusal = Bad("there is no request line");
      return result;
    }
    begin_ = seen_;
  }
  seen_ = text.size();
  if (seen_ - begin_ > max_bytes_) return TooLarge();
  return result;
}

HeadScanner::Result HeadScanner::TooLarge() const {
  Result result;
  result.state = State::kRefused;
  result.refusal =
      line_ == begin_
          ? HttpRefusal{414, "the request line is too large"}
          : HttpRefusal{431, "request line and headers are too large"};
  return result;
}

std::optional<HttpRefusal> ParseHead(absl::string_view head,
                                     ParsedHead* parsed) {
  Framing framing;
  HttpRequest& request = parsed->request;
  bool first = true;
  for (absl::string_view line :
       absl::StrSplit(absl::StripSuffix(head, "\r\n\r\n"), "\r\n")) {
    std::optional<HttpRefusal> refusal;
    if (first) {
      refusal = ParseRequestLine(line, &request, &framing);
    } else {
      refusal = ParseField(line, &request.headers);
      if (!refusal) refusal = NoteField(request.headers.back(), &framing);
    }
    if (refusal) return refusal;
    first = false;
  }
  if (const auto refusal = CheckFraming(framing)) return refusal;
  if (!framing.authority.empty()) {
    ReplaceHost(framing.authority, &request.headers);
  }
  parsed->has_body =
      framing.transfer_encoding || framing.content_length.has_value();
  parsed->keep_alive =
      !framing.close && (!framing.http_1_0 || framing.keep_alive);
  return std::nullopt;
}

}  // namespace poolscope
