// ChannelsHandler: GET /debug/channels, the outbound channels with most pending
// bytes, and the sums of their groups, as text or JSON.
//
//   ?top=N              how many channels, 1 to 1000 (20)
//   ?format=text|json   else JSON where Accept prefers application/json
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_EXPORTER_CHANNELS_HANDLER_H_
#define POOLSCOPE_EXPORTER_CHANNELS_HANDLER_H_

#include "poolscope/exporter/http_message.h"
#include "poolscope/metrics/metric_registry.h"

namespace poolscope {

class ChannelsHandler final : public HttpHandler {
 public:
  // Not owned.
  explicit ChannelsHandler(const MetricRegistry* registry)
      : registry_(registry) {}

  HttpResponse Handle(const HttpRequest& request) override;

 private:
  const MetricRegistry* const registry_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_CHANNELS_HANDLER_H_
