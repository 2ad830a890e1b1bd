// AskCollectables(): what the embedder's collectables deliver for one scrape.
//
// Theirs is code of somebody else, which may take any time. So it runs apart
// from everything else: it touches neither a registry nor a lock, and whoever
// started a scrape may be gone when it returns.
//
//   registry.Collect(AskCollectables(registry.Collectables()), writer);
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_METRICS_COLLECTABLE_FAMILIES_H_
#define POOLSCOPE_METRICS_COLLECTABLE_FAMILIES_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "prometheus/collectable.h"
#include "prometheus/metric_family.h"

namespace poolscope {

struct CollectableFamilies {
  std::vector<prometheus::MetricFamily> families;  // as they came, not checked
  uint64_t asked = 0;                              // collectables
  uint64_t failures = 0;                           // those of them that threw
  double seconds = 0;                              // that all of them took
};

// Asks each that is still there, and keeps it alive meanwhile.
CollectableFamilies AskCollectables(
    const std::vector<std::weak_ptr<prometheus::Collectable>>& collectables);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_COLLECTABLE_FAMILIES_H_
