#include "poolscope/exporter/metrics_handler.h"

#include <memory>
#include <utility>

namespace poolscope {

HttpResponse MetricsHandler::Handle(const HttpRequest&) {
  std::shared_ptr<TextWriter> writer = writers_->Take();
  registry_->Collect(*writer);
  HttpResponse response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = writer->text();
  response.body_owner = std::move(writer);
  return response;
}

}  // namespace poolscope
