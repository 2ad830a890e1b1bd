// MakeSidecarRouter(): every path that a sidecar serves, with its handler; and
// MakeHealthRouter(), for the listener that has the health pages alone.
#ifndef POOLSCOPE_EXPORTER_SIDECAR_ROUTER_H_
#define POOLSCOPE_EXPORTER_SIDECAR_ROUTER_H_

#include <memory>
#include <string>

#include "poolscope/exporter/native_memory_handlers.h"
#include "poolscope/exporter/router.h"
#include "poolscope/exporter/scraper.h"
#include "poolscope/exporter/trimmer.h"
#include "poolscope/metrics/metric_registry.h"
#include "poolscope/metrics/native_memory_monitor.h"

namespace poolscope {

// Borrowed by the router's handlers; none is null.
struct SidecarSources {
  MetricRegistry* registry;
  Scraper* scraper;
  Trimmer* trimmer;
  NativeMemoryMonitor* native_memory;
  NativeMemoryBaseline* baseline;
  std::string proc_root;
};

std::unique_ptr<Router> MakeSidecarRouter(const SidecarSources& sources);

// /healthz and /-/ready alone. `registry` is borrowed.
std::unique_ptr<Router> MakeHealthRouter(const MetricRegistry* registry);

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_SIDECAR_ROUTER_H_
