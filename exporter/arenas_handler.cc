#include "poolscope/exporter/arenas_handler.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/exporter/report_query.h"
#include "poolscope/metrics/arena_report.h"
#include "poolscope/metrics/json_emitter.h"
#include "poolscope/metrics/text_emitter.h"

namespace poolscope {

HttpResponse ArenasHandler::Handle(const HttpRequest& request) {
  const absl::StatusOr<ReportQuery> query = ParseReportQuery(request);
  if (!query.ok()) {
    return LineResponse(400, std::string(query.status().message()));
  }
  const std::vector<AllocatorStats> snapshots =
      registry_->Snapshots(query->allocator, /*detailed=*/true);
  if (snapshots.empty() && !query->allocator.empty()) {
    return NoSuchAllocator(query->allocator);
  }
  std::string body;
  HttpResponse response;
  if (query->json) {
    response.content_type = kJsonType;
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
