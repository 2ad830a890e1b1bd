#include "poolscope/examples/demo/demo_service.h"

#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "poolscope/allocator/pool/pool_options.h"

namespace poolscope::demo {

absl::StatusOr<std::unique_ptr<DemoService>> DemoService::Start(
    const DemoOptions& options) {
  std::unique_ptr<DemoService> service(new DemoService);

  PoolOptions pool_options;
  pool_options.name = "demo";
  pool_options.max_direct_memory_bytes = options.max_direct_memory_bytes;
  pool_options.max_order = options.scenario->max_order;
  pool_options.arenas = options.arenas;
  pool_options.layout = options.layout;
  if (options.chunk_decay.has_value()) {
    pool_options.empty_chunk_decay = *options.chunk_decay;
  }
  LeakDetectorOptions detector_options;
  detector_options.allocator = pool_options.name;
  detector_options.level = options.leak_detection;
  detector_options.suspect_after = options.suspect_after;
  absl::StatusOr<std::shared_ptr<LeakDetector>> detector =
      LeakDetector::Create(std::move(detector_options));
  if (!detector.ok()) return detector.status();
  service->detector_ = *std::move(detector);
  pool_options.observer = service->detector_;
  absl::StatusOr<std::unique_ptr<PooledAllocator>> pool =
      PooledAllocator::Create(pool_options);
  if (!pool.ok()) return pool.status();
  service->pool_ = *std::move(pool);
  service->detector_->ControlSampling(
      [raw = service->pool_.get()](size_t bytes) {
        raw->SetSampleInterval(bytes);
      });
  service->allocator_ =
      BufferAllocator::Pooled(service->pool_.get(), service->detector_);

  absl::StatusOr<std::unique_ptr<Sidecar>> sidecar =
      Sidecar::Start(options.sidecar);
  if (!sidecar.ok()) return sidecar.status();
  service->sidecar_ = *std::move(sidecar);
  absl::Status status = service->sidecar_->RegisterAllocator(
      service->pool_.get(), service->detector_);
  if (!status.ok()) return status;
  status = service->sidecar_->RegisterChannels(&service->channels_);
  if (!status.ok()) return status;
  return service;
}

std::string DemoService::Pages() const {
  const std::string url = sidecar_->url();
  const std::string health = sidecar_->health_url();
  return absl::StrCat(
      "  metrics  ", url, "/metrics\n", "  arenas   ", url, "/debug/arenas\n",
      "  channels ", url, "/debug/channels\n", "  leaks    ", url,
      "/debug/leaks\n", "  heap     ", url, "/debug/pprof/heap\n",
      "  memory   ", url, "/debug/memory?scale=MB\n", "  all      ", url, "/\n",
      health.empty() ? "" : absl::StrCat("  health   ", health, "/healthz\n"));
}

void DemoService::Stop() {
  if (sidecar_ != nullptr) sidecar_->Stop();
}

}  // namespace poolscope::demo
