// IndexHandler: GET /, the page for a person with a browser: live charts of
// what the other pages say, and links to them. Without scripts the links
// remain.
//
// It loads its parts from this server's /ui/ and nothing from elsewhere; its
// content security policy allows no more.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_EXPORTER_INDEX_HANDLER_H_
#define POOLSCOPE_EXPORTER_INDEX_HANDLER_H_

#include "poolscope/exporter/http_message.h"
#include "poolscope/exporter/router.h"
#include "poolscope/metrics/metric_registry.h"

namespace poolscope {

class IndexHandler final : public HttpHandler {
 public:
  // Neither is owned. The routes are read at each request.
  IndexHandler(const Router* router, const MetricRegistry* registry)
      : router_(router), registry_(registry) {}

  HttpResponse Handle(const HttpRequest& request) override;

 private:
  const Router* const router_;
  const MetricRegistry* const registry_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_INDEX_HANDLER_H_
