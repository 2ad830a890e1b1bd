// HttpUrl: where a sidecar is.
//
//   "http://127.0.0.1:9464"   "localhost:9464"   "10.0.0.7"   "[::1]:9464"
//
// Thread safety: a plain value.
#ifndef POOLSCOPE_EXPORTER_NMT_HTTP_URL_H_
#define POOLSCOPE_EXPORTER_NMT_HTTP_URL_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace poolscope {

struct HttpUrl {
  std::string host;  // a name or an address, without brackets
  std::string port = "9464";
  // A path that the sidecar's begin with; no '/' at its end.
  std::string prefix;

  // "127.0.0.1:9464", "[::1]:9464".
  std::string Authority() const;
};

// InvalidArgumentError names `text` and what is expected.
absl::StatusOr<HttpUrl> ParseHttpUrl(absl::string_view text);

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_NMT_HTTP_URL_H_
