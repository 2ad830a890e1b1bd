// PoolCollectable: every registered allocator for a service that already has a
// prometheus::Exposer.
//
//   auto pools = std::make_shared<PoolCollectable>();
//   pools->registry().AddAllocator("rpc", [&](bool) { return rpc->Stats(); });
//   exposer.RegisterCollectable(pools);
//
// registry().AddLeakDetector() adds what a leak detector says (leak_source.h).
//
// Register one for the whole process: an Exposer does not merge families, and
// two collectables with the same families make a scrape that Prometheus
// refuses. A prometheus::Registry cannot take one, since it makes its own.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_METRICS_POOL_COLLECTABLE_H_
#define POOLSCOPE_METRICS_POOL_COLLECTABLE_H_

#include <vector>

#include "poolscope/metrics/metric_registry.h"
#include "prometheus/collectable.h"
#include "prometheus/metric_family.h"

namespace poolscope {

class PoolCollectable final : public prometheus::Collectable {
 public:
  explicit PoolCollectable(
      MetricRegistryOptions options = MetricRegistryOptions());

  std::vector<prometheus::MetricFamily> Collect() const override;

  MetricRegistry& registry() { return registry_; }

 private:
  // Collect() is const in prometheus-cpp; the registry counts what it drops.
  mutable MetricRegistry registry_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_POOL_COLLECTABLE_H_
