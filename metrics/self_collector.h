// The families about poolscope itself, and about the process it runs in.
//
// Thread safety: thread-safe; it works on the values given.
#ifndef POOLSCOPE_METRICS_SELF_COLLECTOR_H_
#define POOLSCOPE_METRICS_SELF_COLLECTOR_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "poolscope/metrics/build_info.h"
#include "poolscope/metrics/dropped_series.h"
#include "poolscope/metrics/family_loops.h"
#include "poolscope/metrics/http_stats.h"
#include "poolscope/metrics/metric_writer.h"
#include "poolscope/metrics/process/process_memory.h"

namespace poolscope {

// How one collector fared in this scrape.
struct CollectorRun {
  absl::string_view collector;  // "pool", "native_memory", ...
  bool success = true;
  double duration_seconds = 0;
  double snapshot_age_seconds = 0;
};

struct SelfStats {
  BuildInfo build;
  std::vector<CollectorRun> runs;
  std::optional<HttpStats> http;     // absent where there is no server of ours
  uint64_t exporter_bytes = 0;       // the exporter's own buffers
  uint64_t leak_bytes = 0;           // records of the leak detectors
  uint64_t native_memory_bytes = 0;  // records of registered categories
  uint64_t outbound_bytes = 0;       // the registry of channels
};

// `start_seconds` since the epoch; left out where it is not known.
void CollectProcess(const ProcessMemory& memory,
                    std::optional<double> start_seconds, MetricWriter& writer);

// Everything of the Self group but the dropped series.
void CollectSelf(AllocatorSnapshots snapshots, const SelfStats& self,
                 MetricWriter& writer);

// Apart, since drops happen until the last family before it is written.
void CollectDroppedSeries(const DroppedSeries& dropped, MetricWriter& writer);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_SELF_COLLECTOR_H_
