#include "poolscope/exporter/nmt/http_url.h"

#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace poolscope {
namespace {

absl::Status Misfit(absl::string_view text, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", absl::CHexEscape(text), "\": ", what,
                   "; give the sidecar's URL, such as http://127.0.0.1:9464"));
}

}  // namespace

std::string HttpUrl::Authority() const {
  return absl::StrContains(host, ':') ? absl::StrCat("[", host, "]:", port)
                                      : absl::StrCat(host, ":", port);
}

absl::StatusOr<HttpUrl> ParseHttpUrl(absl::string_view text) {
  absl::string_view rest = text;
  for (char c : text) {
    // It goes into a request as it is.
    if (!absl::ascii_isgraph(c)) return Misfit(text, "not a URL");
  }
  if (absl::StartsWithIgnoreCase(rest, "https://")) {
    return Misfit(text, "the sidecar speaks plain HTTP");
  }
  if (absl::StartsWithIgnoreCase(rest, "http://")) rest.remove_prefix(7);
  HttpUrl url;
  const size_t slash = rest.find('/');
  if (slash != absl::string_view::npos) {
    absl::string_view path = rest.substr(slash);
    while (absl::ConsumeSuffix(&path, "/")) {
    }
    if (path.find_first_of("?#") != absl::string_view::npos) {
      return Misfit(text, "it has a query");
    }
    url.prefix = std::string(path);
    rest = rest.substr(0, slash);
  }
  size_t host_end;
  if (absl::ConsumePrefix(&rest, "[")) {
    host_end = rest.find(']');
    if (host_end == absl::string_view::npos) {
      return Misfit(text, "']' is missing");
    }
    url.host = std::string(rest.substr(0, host_end));
    rest.remove_prefix(host_end + 1);
  } else {
    host_end = rest.find(':');
    url.host = std::string(rest.substr(0, host_end));
    rest.remove_prefix(url.host.size());
  }
  if (url.host.empty()) return Misfit(text, "it names no host");
  if (rest.empty()) return url;
  int port;
  if (!absl::ConsumePrefix(&rest, ":") || !absl::SimpleAtoi(rest, &port) ||
      port < 1 || port > 65535) {
    return Misfit(text, "the port must be from 1 to 65535");
  }
  url.port = absl::StrCat(port);
  return url;
}

}  // namespace poolscope
