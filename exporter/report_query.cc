#include "poolscope/exporter/report_query.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "poolscope/exporter/query.h"

namespace poolscope {
namespace {

bool PrefersJson(const HttpRequest& request) {
  const absl::string_view accept = request.Header("Accept");
  const double json = AcceptQuality(accept, kJsonType);
  return json > 0 && json >= AcceptQuality(accept, "text/plain");
}

}  // namespace

absl::StatusOr<ReportQuery> ParseReportQuery(const HttpRequest& request) {
  const absl::StatusOr<QueryParameters> parameters = ParseQuery(request.query);
  if (!parameters.ok()) return parameters.status();
  ReportQuery query;
  query.json = PrefersJson(request);
  for (const auto& [name, value] : *parameters) {
    if (name == "format" && (value == "json" || value == "text")) {
      query.json = value == "json";
    } else if (name == "format") {
      return absl::InvalidArgumentError(absl::StrCat(
          "format=", absl::CHexEscape(value), ": must be text or json"));
    } else if (name == "allocator") {
      absl::StatusOr<std::string> allocator = ParseAllocatorName(value);
      if (!allocator.ok()) return allocator.status();
      query.allocator = *std::move(allocator);
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat(absl::CHexEscape(name),
                       ": no such parameter; there are format and allocator"));
    }
  }
  return query;
}

absl::StatusOr<std::string> ParseAllocatorName(absl::string_view value) {
  if (value.empty()) {
    return absl::InvalidArgumentError(
        "allocator=: must be an allocator's name");
  }
  return std::string(value);
}

HttpResponse NoSuchAllocator(absl::string_view allocator) {
  return LineResponse(
      400, absl::StrCat("allocator=", absl::CHexEscape(allocator),
                        ": no allocator of this name is registered"));
}

}  // namespace poolscope
