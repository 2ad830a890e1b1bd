#include "poolscope/metrics/collectable_families.h"

#include <chrono>
#include <utility>

namespace poolscope {

CollectableFamilies AskCollectables(
    const std::vector<std::weak_ptr<prometheus::Collectable>>& collectables) {
  const auto start = std::chrono::steady_clock::now();
  CollectableFamilies result;
  for (const std::weak_ptr<prometheus::Collectable>& weak : collectables) {
    const std::shared_ptr<prometheus::Collectable> collectable = weak.lock();
    if (collectable == nullptr) continue;
    ++result.asked;
    // What it throws, whatever that is, must not end the service.
    try {
      for (prometheus::MetricFamily& family : collectable->Collect()) {
        result.families.push_back(std::move(family));
      }
    } catch (...) {
      ++result.failures;
    }
  }
  result.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
          .count();
  return result;
}

}  // namespace poolscope
