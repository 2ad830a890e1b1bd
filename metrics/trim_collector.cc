#include "poolscope/metrics/trim_collector.h"

#include "poolscope/metrics/metric_names.h"

namespace poolscope {

void CollectTrims(const TrimStats& trims, MetricWriter& writer) {
  writer.BeginFamily(Describe(Metric::kTrims));
  writer.WriteSample({{"result", "freed"}}, trims.freed);
  writer.WriteSample({{"result", "nothing"}}, trims.nothing);
  writer.WriteSample({{"result", "busy"}}, trims.busy);
  writer.EndFamily();
  writer.BeginFamily(Describe(Metric::kTrimmedBytes));
  writer.WriteSample({}, trims.trimmed_bytes);
  writer.EndFamily();
}

}  // namespace poolscope
