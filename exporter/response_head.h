// ResponseHead(): the bytes of an answer before its body.
//
// Answers carry nosniff and, unless the handler has others, no-store and a
// content security policy that allows nothing. RFC 9110 and RFC 9112.
//
// Thread-safe.
#ifndef POOLSCOPE_EXPORTER_RESPONSE_HEAD_H_
#define POOLSCOPE_EXPORTER_RESPONSE_HEAD_H_

#include <string>

#include "absl/time/time.h"
#include "poolscope/exporter/http_message.h"

namespace poolscope {

// The status line and the headers, with the empty line behind them. `now` is
// the answer's date; `keep_alive` says whether the connection goes on.
std::string ResponseHead(const HttpResponse& response, bool keep_alive,
                         absl::Time now);

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_RESPONSE_HEAD_H_
