// HttpHead: the start line and headers of one HTTP/1.1 message, as a WebSocket
// handshake has them (RFC 9112, strictly: CRLF, no folded lines, no space
// before a colon).
//
// Views into the text it was parsed from. A plain value.
#ifndef POOLSCOPE_EXAMPLES_DEMO_HTTP_HEAD_H_
#define POOLSCOPE_EXAMPLES_DEMO_HTTP_HEAD_H_

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace poolscope::demo {

// Of a head, its empty line included, and its lines.
inline constexpr size_t kMaxHttpHeadBytes = 8 << 10;
inline constexpr size_t kMaxHttpHeaders = 64;

class HttpHead {
 public:
  // The head that `received` begins with; nothing while it is not complete.
  // InvalidArgumentError when it is malformed, ResourceExhaustedError when it
  // is longer than the limits above.
  static absl::StatusOr<std::optional<HttpHead>> Parse(
      absl::string_view received);

  absl::string_view start_line() const { return start_line_; }
  size_t size_bytes() const { return size_bytes_; }

  // Whatever the case of the name.
  size_t Count(absl::string_view name) const;
  // Of the only header of that name; empty when there is none or several.
  absl::string_view Only(absl::string_view name) const;
  // Of every header of that name, with commas between.
  std::string Joined(absl::string_view name) const;
  // Whether the list in these headers has the word, whatever its case.
  bool ListHas(absl::string_view name, absl::string_view word) const;

 private:
  absl::Status ParseLine(absl::string_view line);

  absl::string_view start_line_;
  std::vector<std::pair<absl::string_view, absl::string_view>> headers_;
  size_t size_bytes_ = 0;
};

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_HTTP_HEAD_H_
