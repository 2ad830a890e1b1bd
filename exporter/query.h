// The query of a URI, and the Accept headers, as values.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_EXPORTER_QUERY_H_
#define POOLSCOPE_EXPORTER_QUERY_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace poolscope {

using QueryParameters = std::vector<std::pair<std::string, std::string>>;

// "a=1&b=x%20y" as {a, 1}, {b, x y}; '+' is a blank, a name without '=' has an
// empty value. InvalidArgumentError for a broken escape or a name twice.
absl::StatusOr<QueryParameters> ParseQuery(absl::string_view query);

// The quality, 0 to 1, that the Accept header gives `media_type` by name; 0
// when it does not name it. Wildcards name nothing: who takes anything gets the
// default.
double AcceptQuality(absl::string_view accept, absl::string_view media_type);

// The q of one element, such as "text/plain;q=0.5": 1 without, and 0, a
// refusal, where it is no number from 0 to 1.
double QualityOf(absl::string_view element);

// How a body may be sent.
struct EncodingChoice {
  bool gzip = false;     // taken, and liked at least as much as plain
  bool identity = true;  // plain is taken
};

// What an Accept-Encoding header leaves (RFC 9110, 12.5.3). Empty, or without
// gzip in it: plain. `*` stands for what is not named. A weight that is none
// counts as 0, a refusal; where both are refused, plain is the lesser evil.
EncodingChoice ChooseEncoding(absl::string_view accept_encoding);

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_QUERY_H_
