// The query of a URI, and the Accept header, as values.
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

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_QUERY_H_
