#include "poolscope/exporter/sidecar_router.h"

#include "poolscope/exporter/arenas_handler.h"
#include "poolscope/exporter/channels_handler.h"
#include "poolscope/exporter/health_handlers.h"
#include "poolscope/exporter/heap_profile_handler.h"
#include "poolscope/exporter/index_handler.h"
#include "poolscope/exporter/leak_handlers.h"
#include "poolscope/exporter/maps_handler.h"
#include "poolscope/exporter/metrics_handler.h"
#include "poolscope/exporter/role.h"
#include "poolscope/exporter/trim_handler.h"
#include "poolscope/exporter/ui_assets_handler.h"
#include "poolscope/metrics/native_memory/memory_walk.h"

namespace poolscope {
namespace {

void AddHealth(const MetricRegistry* registry, Router* router) {
  router->AddOpen("/healthz", "200 while the process answers",
                  std::make_unique<HealthHandler>());
  router->AddOpen("/-/ready", "200 once there is something to show",
                  std::make_unique<ReadyHandler>(registry));
}

}  // namespace

std::unique_ptr<Router> MakeSidecarRouter(const SidecarSources& sources) {
  MetricRegistry* const registry = sources.registry;
  NativeMemoryMonitor* const memory = sources.native_memory;
  auto router = std::make_unique<Router>();
  router->AddGet("/", "",
                 std::make_unique<IndexHandler>(router.get(), registry));
  router->AddGet(std::string(UiAssetsHandler::kFolder), "",
                 std::make_unique<UiAssetsHandler>());
  router->AddGet("/metrics", "metrics for Prometheus",
                 std::make_unique<MetricsHandler>(sources.scraper),
                 Role::kScrape);
  router->AddGet("/debug/arenas",
                 "arenas, chunk lists, chunks, size classes, thread caches; "
                 "?format=json, ?allocator=NAME",
                 std::make_unique<ArenasHandler>(registry));
  router->AddGet("/debug/channels",
                 "outbound channels with most pending bytes; ?top=N, "
                 "?format=json",
                 std::make_unique<ChannelsHandler>(registry));
  router->AddGet("/debug/leaks",
                 "blocks leaked or suspected of it, with their creation "
                 "stacks; ?format=json, ?allocator=NAME",
                 std::make_unique<LeaksHandler>(registry));
  router->AddGet("/debug/maps",
                 "mappings of the process with their owners; "
                 "?sort=address, ?limit=N, ?offset=N, ?format=json",
                 std::make_unique<MapsHandler>([memory] {
                   return memory->Walk(MemoryWalk::Detail::kMappings);
                 }));
  const NativeMemorySource read = [memory](bool detailed) {
    return memory->Read(detailed);
  };
  router->AddGet("/debug/memory",
                 "native memory by category; ?view=summary, detail, "
                 "summary.diff or detail.diff, ?scale=B, KB, MB or GB, "
                 "?peaks=1, ?format=json",
                 std::make_unique<NativeMemoryHandler>(read, sources.baseline));
  router->AddGet(
      "/debug/pprof/heap",
      "who holds the memory, for go tool pprof; ?allocator=NAME",
      std::make_unique<HeapProfileHandler>(registry, sources.proc_root));
  router->AddPost("/-/baseline",
                  "keeps the figures of /debug/memory, to compare with",
                  std::make_unique<BaselineHandler>(read, sources.baseline));
  router->AddPost("/-/leak-level",
                  "?level=disabled, simple, advanced or paranoid; "
                  "&amp;allocator=NAME",
                  std::make_unique<LeakLevelHandler>(registry));
  router->AddPost("/-/trim",
                  "gives back what no allocator and malloc use; ?format=json",
                  std::make_unique<TrimHandler>(sources.trimmer));
  AddHealth(registry, router.get());
  return router;
}

std::unique_ptr<Router> MakeHealthRouter(const MetricRegistry* registry) {
  auto router = std::make_unique<Router>();
  AddHealth(registry, router.get());
  return router;
}

}  // namespace poolscope
