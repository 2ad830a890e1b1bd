#include "poolscope/exporter/report_query.h"

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
    } else if (name == "allocator" && !value.empty()) {
      query.allocator = value;
    } else if (name == "allocator") {
      return absl::InvalidArgumentError(
          "allocator=: must be an allocator's name");
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat(absl::CHexEscape(name),
                       ": no such parameter; there are format and allocator"));
    }
  }
  return query;
}

HttpResponse NoSuchAllocator(absl::string_view allocator) {
  return LineResponse(
      400, absl::StrCat("allocator=", absl::CHexEscape(allocator),
                        ": no allocator of this name is registered"));
}

}  // namespace poolscope
