#include "poolscope/metrics/limits_collector.h"

#include <cstdint>
#include <optional>

#include "poolscope/metrics/headroom.h"
#include "poolscope/metrics/metric_names.h"

namespace poolscope {
namespace {

template <typename Value>
void WriteIfThere(Metric metric, const std::optional<Value>& value,
                  MetricWriter& writer) {
  if (!value.has_value()) return;
  writer.BeginFamily(Describe(metric));
  writer.WriteSample({}, *value);
  writer.EndFamily();
}

void CollectCgroup(const CgroupMemory& cgroup, MetricWriter& writer) {
  const CgroupLevel& nearest = cgroup.Nearest();
  WriteIfThere(Metric::kCgroupMemoryLimitBytes, nearest.limit_bytes, writer);
  WriteIfThere(Metric::kCgroupMemoryUsageBytes,
               std::optional<uint64_t>(nearest.usage_bytes), writer);
  WriteIfThere(Metric::kCgroupMemoryInactiveFileBytes,
               std::optional<uint64_t>(nearest.inactive_file_bytes), writer);
  if (cgroup.events.empty()) return;
  writer.BeginFamily(Describe(Metric::kCgroupMemoryEvents));
  for (const CgroupEvent& event : cgroup.events) {
    writer.WriteSample({{"event", event.name}}, event.count);
  }
  writer.EndFamily();
}

}  // namespace

void CollectLimits(AllocatorSnapshots snapshots, const ProcessFigures& figures,
                   MetricWriter& writer) {
  WriteIfThere(Metric::kHeadroomBytes, HeadroomBytes(snapshots, figures.cgroup),
               writer);
  WriteIfThere(Metric::kOomEta, figures.oom_eta_seconds, writer);
  if (figures.cgroup.has_value()) CollectCgroup(*figures.cgroup, writer);
  if (!figures.pressure.has_value()) return;
  writer.BeginFamily(Describe(Metric::kMemoryStalled));
  writer.WriteSample({{"scope", "some"}}, figures.pressure->some_seconds);
  writer.WriteSample({{"scope", "full"}}, figures.pressure->full_seconds);
  writer.EndFamily();
}

}  // namespace poolscope
