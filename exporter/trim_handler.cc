#include "poolscope/exporter/trim_handler.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "poolscope/exporter/report_query.h"
#include "poolscope/metrics/json_emitter.h"
#include "poolscope/metrics/report_emitter.h"
#include "poolscope/metrics/text_emitter.h"

namespace poolscope {
namespace {

void EmitTrim(const TrimReport& report, ReportEmitter& emitter) {
  emitter.BeginObject("");
  emitter.Field("trimmed_bytes", report.trimmed_bytes());
  emitter.BeginTable("allocators");
  for (const AllocatorTrim& trim : report.allocators) {
    emitter.BeginRow();
    emitter.Field("allocator", trim.allocator);
    emitter.Field("trimmed_bytes", trim.trimmed_bytes);
    emitter.EndRow();
  }
  emitter.EndTable();
  emitter.BeginObject("malloc");
  emitter.Field("implementation", report.malloc);
  emitter.Field("trimmed", report.malloc_trimmed);
  emitter.Field("trimmed_bytes", report.malloc_trimmed_bytes);
  emitter.EndObject();
  if (report.resident_before_bytes.has_value() &&
      report.resident_after_bytes.has_value()) {
    emitter.Field("resident_before_bytes", *report.resident_before_bytes);
    emitter.Field("resident_after_bytes", *report.resident_after_bytes);
  }
  emitter.EndObject();
}

}  // namespace

HttpResponse TrimHandler::Handle(const HttpRequest& request) {
  const absl::StatusOr<ReportQuery> query = ParseReportQuery(request);
  if (!query.ok()) {
    return LineResponse(400, std::string(query.status().message()));
  }
  if (!query->allocator.empty()) {
    return LineResponse(400,
                        "allocator: no such parameter; every allocator is "
                        "trimmed, and malloc");
  }
  const std::optional<TrimReport> report = trimmer_->Trim();
  if (!report.has_value()) {
    return LineResponse(409, "a trim is under way; its answer tells of it");
  }
  std::string body;
  HttpResponse response;
  if (query->json) {
    response.content_type = kJsonType;
    JsonEmitter emitter(&body);
    EmitTrim(*report, emitter);
    body.push_back('\n');
  } else {
    TextEmitter emitter(&body);
    EmitTrim(*report, emitter);
  }
  response.SetBody(std::move(body));
  return response;
}

}  // namespace poolscope
