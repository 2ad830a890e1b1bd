#include "poolscope/exporter/channels_handler.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "poolscope/allocator/outbound/outbound_stats.h"
#include "poolscope/exporter/report_query.h"
#include "poolscope/metrics/channel_report.h"
#include "poolscope/metrics/json_emitter.h"
#include "poolscope/metrics/text_emitter.h"

namespace poolscope {

HttpResponse ChannelsHandler::Handle(const HttpRequest& request) {
  const absl::StatusOr<ChannelsQuery> query = ParseChannelsQuery(request);
  if (!query.ok()) {
    return LineResponse(400, std::string(query.status().message()));
  }
  const OutboundStats stats = registry_->Channels().value_or(OutboundStats());
  const std::vector<ChannelStats> channels = registry_->TopChannels(query->top);
  std::string body;
  HttpResponse response;
  if (query->json) {
    response.content_type = kJsonType;
    JsonEmitter emitter(&body);
    EmitChannelReport(stats.groups, channels, emitter);
    body.push_back('\n');
  } else {
    TextEmitter emitter(&body);
    EmitChannelReport(stats.groups, channels, emitter);
  }
  response.SetBody(std::move(body));
  return response;
}

}  // namespace poolscope
