// FetchHttp(): one request to a sidecar, over a connection of its own.
//
// Plain HTTP/1.0, so that the answer ends where the connection does, whatever
// stands between.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_EXPORTER_NMT_HTTP_FETCH_H_
#define POOLSCOPE_EXPORTER_NMT_HTTP_FETCH_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "poolscope/exporter/nmt/http_url.h"

namespace poolscope {

struct HttpAnswer {
  int status = 0;
  std::string body;
};

// A detailed report has 150 bytes a mapping.
inline constexpr size_t kMaxAnswerBytes = size_t{256} << 20;

// `target` follows the URL's prefix; "/debug/memory?view=summary".
// `credentials` are "NAME:PASSWORD", or empty, and in no error. Waits up to
// `timeout` to connect, and for all of the answer: a walk over the mappings may
// take seconds.
// UnavailableError says in one line where and why there was no whole answer.
absl::StatusOr<HttpAnswer> FetchHttp(const HttpUrl& url,
                                     absl::string_view method,
                                     absl::string_view target,
                                     absl::string_view credentials,
                                     absl::Duration timeout);

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_NMT_HTTP_FETCH_H_
