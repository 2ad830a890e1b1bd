#include "poolscope/exporter/arenas_handler.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/exporter/query.h"
#include "poolscope/metrics/arena_report.h"
#include "poolscope/metrics/json_emitter.h"
#include "poolscope/metrics/text_emitter.h"

namespace poolscope {
namespace {

constexpr absl::string_view kJson = "application/json";

bool PrefersJson(const HttpRequest& request) {
  const absl::string_view accept = request.Header("Accept");
  const double json = AcceptQuality(accept, kJson);
  return json > 0 && json >= AcceptQuality(accept, "text/plain");
}

}  // namespace

HttpResponse ArenasHandler::Handle(const HttpRequest& request) {
  const absl::StatusOr<QueryParameters> parameters = ParseQuery(request.query);
  if (!parameters.ok()) {
    return LineResponse(400, std::string(parameters.status().message()));
  }
  bool json = PrefersJson(request);
  std::string allocator;
  for (const auto& [name, value] : *parameters) {
    if (name == "format" && (value == "json" || value == "text")) {
      json = value == "json";
    } else if (name == "format") {
      return LineResponse(400, absl::StrCat("format=", absl::CHexEscape(value),
                                            ": must be text or json"));
    } else if (name == "allocator" && !value.empty()) {
      allocator = value;
    } else if (name == "allocator") {
      return LineResponse(400, "allocator=: must be an allocator's name");
    } else {
      return LineResponse(
          400, absl::StrCat(absl::CHexEscape(name),
                            ": no such parameter; there are format and "
                            "allocator"));
    }
  }

  const std::vector<AllocatorStats> snapshots =
      registry_->Snapshots(allocator, /*detailed=*/true);
  if (snapshots.empty() && !allocator.empty()) {
    return LineResponse(
        400, absl::StrCat("allocator=", absl::CHexEscape(allocator),
                          ": no allocator of this name is registered"));
  }
  std::string body;
  HttpResponse response;
  if (json) {
    response.content_type = kJson;
    JsonEmitter emitter(&body);
    EmitArenaReport(snapshots, emitter);
    body.push_back('\n');
  } else {
    TextEmitter emitter(&body);
    EmitArenaReport(snapshots, emitter);
  }
  response.SetBody(std::move(body));
  return response;
}

}  // namespace poolscope
