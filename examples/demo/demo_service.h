// DemoService: what every scenario of the demo stands on: the pool, its leak
// detector, buffers from it, the registry of channels, and the sidecar that
// shows them.
//
//   auto service = DemoService::Start(options);
//   if (!service.ok()) return service.status();
//   ... (*service)->allocator() ...
//   (*service)->Stop();     // or destroy it
//
// Thread safety: thread-compatible; what it gives out is as thread-safe as its
// type.
#ifndef POOLSCOPE_EXAMPLES_DEMO_DEMO_SERVICE_H_
#define POOLSCOPE_EXAMPLES_DEMO_DEMO_SERVICE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/allocator/leak/leak_detector.h"
#include "poolscope/allocator/outbound/channel_registry.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/examples/demo/options.h"
#include "poolscope/exporter/sidecar.h"

namespace poolscope::demo {

class DemoService {
 public:
  // InvalidArgumentError or PermissionDeniedError for options that only the
  // pool or the sidecar can judge.
  static absl::StatusOr<std::unique_ptr<DemoService>> Start(
      const DemoOptions& options);

  ~DemoService() { Stop(); }

  PooledAllocator& pool() { return *pool_; }
  BufferAllocator& allocator() { return *allocator_; }
  LeakDetector& detector() { return *detector_; }
  ChannelRegistry& channels() { return channels_; }
  Sidecar& sidecar() { return *sidecar_; }

  // What to look at while it runs, a line each.
  std::string Pages() const;

  // Ends the sidecar. May be called twice.
  void Stop();

 private:
  DemoService() = default;

  std::shared_ptr<LeakDetector> detector_;
  std::unique_ptr<PooledAllocator> pool_;
  std::unique_ptr<BufferAllocator> allocator_;
  ChannelRegistry channels_;
  std::unique_ptr<Sidecar> sidecar_;
};

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_DEMO_SERVICE_H_
