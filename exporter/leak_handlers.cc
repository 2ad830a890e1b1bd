#include "poolscope/exporter/leak_handlers.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "poolscope/allocator/leak/leak_level.h"
#include "poolscope/exporter/query.h"
#include "poolscope/exporter/report_query.h"
#include "poolscope/metrics/json_emitter.h"
#include "poolscope/metrics/leak_page.h"

namespace poolscope {
namespace {

// 400: the allocator is not there, or nobody watches it.
HttpResponse NoSuchDetector(absl::string_view allocator) {
  return LineResponse(400,
                      absl::StrCat("allocator=", absl::CHexEscape(allocator),
                                   ": no leak detector is registered for it"));
}

}  // namespace

HttpResponse LeaksHandler::Handle(const HttpRequest& request) {
  const absl::StatusOr<ReportQuery> query = ParseReportQuery(request);
  if (!query.ok()) {
    return LineResponse(400, std::string(query.status().message()));
  }
  const std::vector<LeakFindings> findings = registry_->Leaks(query->allocator);
  if (findings.empty() && !query->allocator.empty()) {
    return NoSuchDetector(query->allocator);
  }
  HttpResponse response;
  if (!query->json) {
    response.SetBody(LeakPageText(findings));
    return response;
  }
  std::string body;
  response.content_type = kJsonType;
  JsonEmitter emitter(&body);
  EmitLeakPage(findings, emitter);
  body.push_back('\n');
  response.SetBody(std::move(body));
  return response;
}

HttpResponse LeakLevelHandler::Handle(const HttpRequest& request) {
  const absl::StatusOr<QueryParameters> parameters = ParseQuery(request.query);
  if (!parameters.ok()) {
    return LineResponse(400, std::string(parameters.status().message()));
  }
  std::string level_text;
  absl::StatusOr<std::string> allocator = "";
  for (const auto& [name, value] : *parameters) {
    if (name == "level") {
      level_text = value;
    } else if (name == "allocator") {
      allocator = ParseAllocatorName(value);
      if (!allocator.ok()) {
        return LineResponse(400, std::string(allocator.status().message()));
      }
    } else {
      return LineResponse(
          400,
          absl::StrCat(absl::CHexEscape(name),
                       ": no such parameter; there are level and allocator"));
    }
  }
  const absl::StatusOr<LeakLevel> level =
      ParseLeakLevel(absl::CHexEscape(level_text));
  if (!level.ok()) {
    return LineResponse(400, std::string(level.status().message()));
  }
  const auto sources = registry_->LeakSources(*allocator);
  if (sources.empty() && !allocator->empty()) {
    return NoSuchDetector(*allocator);
  }
  std::string text;
  for (const auto& [name, source] : sources) {
    source.set_level(*level);
    absl::StrAppend(&text, name, ": ", LeakLevelName(*level), "\n");
  }
  if (sources.empty()) {
    return LineResponse(400, "no leak detector is registered");
  }
  HttpResponse response;
  response.SetBody(std::move(text));
  return response;
}

}  // namespace poolscope
