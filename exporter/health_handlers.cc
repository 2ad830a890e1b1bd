#include "poolscope/exporter/health_handlers.h"

namespace poolscope {

HttpResponse HealthHandler::Handle(const HttpRequest&) {
  return LineResponse(200, "ok");
}

HttpResponse ReadyHandler::Handle(const HttpRequest&) {
  if (registry_->allocator_count() + registry_->collectable_count() == 0 &&
      !registry_->has_channels()) {
    return LineResponse(503,
                        "not ready: no allocator, registry of channels or "
                        "collectable is registered");
  }
  return LineResponse(200, "ready");
}

}  // namespace poolscope
