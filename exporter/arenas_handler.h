// ArenasHandler: GET /debug/arenas, the report on arenas as text or JSON.
//
//   ?format=text|json   else JSON where Accept prefers application/json
//   ?allocator=NAME     one allocator instead of all
//
// Beside the oldest sampled block of each chunk stands who asked for it, where
// its allocator records creation stacks.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_EXPORTER_ARENAS_HANDLER_H_
#define POOLSCOPE_EXPORTER_ARENAS_HANDLER_H_

#include "poolscope/exporter/http_message.h"
#include "poolscope/metrics/metric_registry.h"

namespace poolscope {

class ArenasHandler final : public HttpHandler {
 public:
  // Not owned.
  explicit ArenasHandler(const MetricRegistry* registry)
      : registry_(registry) {}

  HttpResponse Handle(const HttpRequest& request) override;

 private:
  const MetricRegistry* const registry_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_ARENAS_HANDLER_H_
