// LeaksHandler: GET /debug/leaks, what the leak detectors found, as text in
// Netty's layout or JSON; parameters as report_query.h says.
//
// LeakLevelHandler: POST /-/leak-level, which changes their level.
//
//   ?level=disabled|simple|advanced|paranoid
//   &allocator=NAME     of one allocator instead of all
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_EXPORTER_LEAK_HANDLERS_H_
#define POOLSCOPE_EXPORTER_LEAK_HANDLERS_H_

#include "poolscope/exporter/http_message.h"
#include "poolscope/metrics/metric_registry.h"

namespace poolscope {

class LeaksHandler final : public HttpHandler {
 public:
  // Not owned.
  explicit LeaksHandler(const MetricRegistry* registry) : registry_(registry) {}

  HttpResponse Handle(const HttpRequest& request) override;

 private:
  const MetricRegistry* const registry_;
};

class LeakLevelHandler final : public HttpHandler {
 public:
  // Not owned.
  explicit LeakLevelHandler(const MetricRegistry* registry)
      : registry_(registry) {}

  HttpResponse Handle(const HttpRequest& request) override;

 private:
  const MetricRegistry* const registry_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_LEAK_HANDLERS_H_
