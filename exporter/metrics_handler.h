// MetricsHandler: GET /metrics, in the text format that Prometheus reads.
//
// The text's buffer is kept from scrape to scrape; see scratch_pool.h.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_EXPORTER_METRICS_HANDLER_H_
#define POOLSCOPE_EXPORTER_METRICS_HANDLER_H_

#include "poolscope/exporter/http_message.h"
#include "poolscope/exporter/scratch_pool.h"
#include "poolscope/metrics/metric_registry.h"
#include "poolscope/metrics/text_writer.h"

namespace poolscope {

using TextWriterPool = ScratchPool<TextWriter>;

class MetricsHandler final : public HttpHandler {
 public:
  // Neither is owned; both outlive the responses.
  MetricsHandler(MetricRegistry* registry, TextWriterPool* writers)
      : registry_(registry), writers_(writers) {}

  HttpResponse Handle(const HttpRequest& request) override;

 private:
  MetricRegistry* const registry_;
  TextWriterPool* const writers_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_METRICS_HANDLER_H_
