// GET /healthz and GET /-/ready. Neither takes a snapshot or waits for one, so
// both answer while a scrape is slow.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_EXPORTER_HEALTH_HANDLERS_H_
#define POOLSCOPE_EXPORTER_HEALTH_HANDLERS_H_

#include "poolscope/exporter/http_message.h"
#include "poolscope/metrics/metric_registry.h"

namespace poolscope {

// 200 as long as the process answers.
class HealthHandler final : public HttpHandler {
 public:
  HttpResponse Handle(const HttpRequest& request) override;
};

// 200 once there is something to show, until then 503.
class ReadyHandler final : public HttpHandler {
 public:
  // Not owned.
  explicit ReadyHandler(const MetricRegistry* registry) : registry_(registry) {}

  HttpResponse Handle(const HttpRequest& request) override;

 private:
  const MetricRegistry* const registry_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_HEALTH_HANDLERS_H_
