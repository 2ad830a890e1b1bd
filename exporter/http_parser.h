// HeadScanner, ParseHead(): the head of an HTTP request, from bytes that anyone
// may have sent.
//
//   HeadScanner scanner;
//   ...                                     // append what arrives to `text`
//   switch (scanner.Scan(text).state) ...   // kIncomplete: read more
//   ParsedHead parsed;
//   if (const auto refusal = ParseHead(head, &parsed)) ...   // 400, 501, 505
//
// After RFC 9112 (the message) and RFC 9110 (the fields), and strict where they
// leave a choice: two parties that read the same bytes differently are how a
// request is smuggled past the first of them.
//
//   a line that ends in LF alone, or has another control character    400
//   a blank before a ':', a folded line (RFC 9112 5.1, 5.2)           400
//   HTTP/1.1 without a Host, or any with two (RFC 9112 3.2)           400
//   a Content-Length that is no number, or two that differ; one
//     beside a Transfer-Encoding; a Transfer-Encoding in HTTP/1.0     400
//   more fields than kMaxFields, or the head too large                431
//   a request line that is too large by itself                        414
//   a method that RFC 9110 and RFC 5789 do not have, and CONNECT      501
//   another major version than 1                                      505
//
// "http://host/path" as the target is answered as "/path" of that Host,
// whatever the header says (RFC 9112 3.2.2). An Expect is not answered with
// 100: the final answer comes at once (RFC 9110 10.1.1).
//
// Why not a library: Debian 12 has http-parser 2.9.4, which its authors have
// given up, and which takes bare LFs and folded lines.
//
// Thread safety: ParseHead() is thread-safe, a scanner thread-compatible.
#ifndef POOLSCOPE_EXPORTER_HTTP_PARSER_H_
#define POOLSCOPE_EXPORTER_HTTP_PARSER_H_

#include <cstddef>
#include <optional>

#include "absl/strings/string_view.h"
#include "poolscope/exporter/http_message.h"

namespace poolscope {

inline constexpr size_t kMaxFields = 100;

// Why a request is not served.
struct HttpRefusal {
  int status = 400;
  absl::string_view reason;  // one line, a constant
};

// Finds where the head at the front of a text ends.
class HeadScanner {
 public:
  enum class State { kIncomplete, kComplete, kRefused };
  struct Result {
    State state = State::kIncomplete;
    // Of a complete head: where it begins, behind an empty line that some
    // clients send first (RFC 9112 2.2), and where it ends.
    size_t begin = 0;
    size_t end = 0;
    HttpRefusal refusal;
  };

  // `max_bytes` may a head have.
  explicit HeadScanner(size_t max_bytes) : max_bytes_(max_bytes) {}

  // `text` begins with what was given the last time; what was seen then is not
  // looked at again.
  Result Scan(absl::string_view text);

  // For the next head, at the front of another text.
  void Restart() { begin_ = line_ = seen_ = 0; }

 private:
  Result TooLarge() const;

  size_t max_bytes_;
  size_t begin_ = 0;  // of the head
  size_t line_ = 0;   // where the line begins that is not complete
  size_t seen_ = 0;
};

struct ParsedHead {
  HttpRequest request;  // borrows from the head
  bool keep_alive = false;
  // One is announced. It is not read, and no length is trusted.
  bool has_body = false;
};

// `head` is whole, the empty line at its end included.
std::optional<HttpRefusal> ParseHead(absl::string_view head,
                                     ParsedHead* parsed);

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_HTTP_PARSER_H_
