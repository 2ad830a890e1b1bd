#include "poolscope/exporter/maps_handler.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "poolscope/exporter/query.h"
#include "poolscope/exporter/report_query.h"
#include "poolscope/metrics/json_emitter.h"
#include "poolscope/metrics/native_memory/maps_report.h"
#include "poolscope/metrics/text_emitter.h"

namespace poolscope {
namespace {

// Leaves *json as it is where no format is given.
absl::StatusOr<MapsPage> ParsePage(const QueryParameters& parameters,
                                   bool* json) {
  MapsPage page;
  for (const auto& [name, value] : parameters) {
    if (name == "format") {
      const absl::StatusOr<bool> format = ParseFormat(value);
      if (!format.ok()) return format.status();
      *json = *format;
    } else if (name == "sort" && (value == "resident" || value == "address")) {
      page.order = value == "address" ? MapsPage::Order::kAddress
                                      : MapsPage::Order::kResident;
    } else if (name == "sort") {
      return absl::InvalidArgumentError(absl::StrCat(
          "sort=", absl::CHexEscape(value), ": must be resident or address"));
    } else if (name == "limit") {
      const absl::StatusOr<uint64_t> limit =
          ParseNumber(name, value, 1, MapsPage::kMostShown);
      if (!limit.ok()) return limit.status();
      page.limit = *limit;
    } else if (name == "offset") {
      const absl::StatusOr<uint64_t> offset =
          ParseNumber(name, value, 0, std::numeric_limits<size_t>::max());
      if (!offset.ok()) return offset.status();
      page.offset = *offset;
    } else {
      return absl::InvalidArgumentError(absl::StrCat(
          absl::CHexEscape(name),
          ": no such parameter; there are sort, limit, offset and format"));
    }
  }
  return page;
}

}  // namespace

HttpResponse MapsHandler::Handle(const HttpRequest& request) {
  const absl::StatusOr<QueryParameters> parameters = ParseQuery(request.query);
  if (!parameters.ok()) {
    return LineResponse(400, std::string(parameters.status().message()));
  }
  bool json = PrefersJson(request);
  const absl::StatusOr<MapsPage> page = ParsePage(*parameters, &json);
  if (!page.ok()) {
    return LineResponse(400, std::string(page.status().message()));
  }
  const auto stats = walk_();
  if (!stats.ok()) {
    return LineResponse(503, std::string(stats.status().message()));
  }
  std::string body;
  HttpResponse response;
  if (json) {
    response.content_type = kJsonType;
    JsonEmitter emitter(&body);
    EmitMapsReport(**stats, *page, emitter);
    body.push_back('\n');
  } else {
    TextEmitter emitter(&body);
    EmitMapsReport(**stats, *page, emitter);
  }
  response.SetBody(std::move(body));
  return response;
}

}  // namespace poolscope
