// MetricsHandler: GET /metrics, in the format that the scraper likes best
// (exposition_choice.h), after no longer than it has time for
// (scrape_timeout.h).
//
//   in time                        200, the figures
//   late, there are earlier ones   200, those, as late_scrape.h says
//   late, there are none           503
//   the sidecar is being stopped   503
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_EXPORTER_METRICS_HANDLER_H_
#define POOLSCOPE_EXPORTER_METRICS_HANDLER_H_

#include "poolscope/exporter/http_message.h"
#include "poolscope/exporter/scraper.h"

namespace poolscope {

class MetricsHandler final : public HttpHandler {
 public:
  // Not owned; outlives the responses.
  explicit MetricsHandler(Scraper* scraper) : scraper_(scraper) {}

  HttpResponse Handle(const HttpRequest& request) override;

 private:
  Scraper* const scraper_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_METRICS_HANDLER_H_
