#include "poolscope/metrics/pool_collectable.h"

#include <utility>

#include "poolscope/metrics/family_writer.h"

namespace poolscope {

PoolCollectable::PoolCollectable(MetricRegistryOptions options)
    : registry_(std::move(options)) {}

std::vector<prometheus::MetricFamily> PoolCollectable::Collect() const {
  FamilyWriter writer;
  registry_.Collect(writer);
  return writer.Take();
}

}  // namespace poolscope
