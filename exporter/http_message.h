// HttpRequest, HttpResponse: what a handler sees, whatever server carries it.
//
// Plain values: a handler is tested without a socket, and a service that has a
// server of its own can mount the same handlers in it.
#ifndef POOLSCOPE_EXPORTER_HTTP_MESSAGE_H_
#define POOLSCOPE_EXPORTER_HTTP_MESSAGE_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace poolscope {

struct HttpHeader {
  absl::string_view name;
  absl::string_view value;
};

// Everything is borrowed for the time of the call.
struct HttpRequest {
  absl::string_view method;  // "GET"
  absl::string_view path;    // "/debug/arenas", as sent, not decoded
  absl::string_view query;   // what stands behind '?', not decoded
  std::vector<HttpHeader> headers;

  // The first header of that name, whatever its case; empty when there is none.
  absl::string_view Header(absl::string_view name) const {
    for (const HttpHeader& header : headers) {
      if (absl::EqualsIgnoreCase(header.name, name)) return header.value;
    }
    return "";
  }
};

// The policy of every answer that is not a page with parts of its own: whatever
// a browser takes it for, it loads and runs nothing.
inline constexpr absl::string_view kNothingAllowedPolicy =
    "default-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'";

struct HttpResponse {
  int status = 200;
  absl::string_view content_type = "text/plain; charset=utf-8";  // a constant
  absl::string_view allow;  // of a 405: the methods there are; a constant
  absl::string_view content_encoding;  // "gzip", or empty; a constant
  absl::string_view vary;  // request headers the answer hung on; a constant
  absl::string_view cache_control = "no-store";  // a constant
  absl::string_view content_security_policy = kNothingAllowedPolicy;
  std::vector<HttpHeader> headers;  // further ones; constants
  absl::string_view handler;  // the name it is counted under; set by the Router

  // The body is a file that is compressed as it is, to whoever asks.
  bool compressed_file = false;

  // The body may lie in a buffer that is used again once `body_owner` is gone.
  absl::string_view body;
  std::shared_ptr<const void> body_owner;

  void SetBody(std::string text) {
    auto owner = std::make_shared<const std::string>(std::move(text));
    body = *owner;
    body_owner = std::move(owner);
  }
};

// `line` without a line feed at its end.
inline HttpResponse LineResponse(int status, std::string line) {
  HttpResponse response;
  response.status = status;
  line.push_back('\n');
  response.SetBody(std::move(line));
  return response;
}

// Answers the requests of one path. Called from several threads at a time.
class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  virtual HttpResponse Handle(const HttpRequest& request) = 0;
};

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_HTTP_MESSAGE_H_
