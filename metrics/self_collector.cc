#include "poolscope/metrics/self_collector.h"

#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/metrics/metric_names.h"
#include "poolscope/metrics/number_format.h"

namespace poolscope {
namespace {

void WriteRuns(Metric metric, const SelfStats& self, MetricWriter& writer,
               MetricValue (*value)(const CollectorRun&)) {
  writer.BeginFamily(Describe(metric));
  for (const CollectorRun& run : self.runs) {
    writer.WriteSample({{"collector", run.collector}}, value(run));
  }
  writer.EndFamily();
}

void CollectHttp(const HttpStats& http, MetricWriter& writer) {
  writer.BeginFamily(Describe(Metric::kHttpRequests));
  for (const HttpHandlerStats& handler : http) {
    for (const HttpCodeCount& code : handler.codes) {
      writer.WriteSample({{"handler", handler.handler},
                          {"code", NumberText(code.code).view()}},
                         code.requests);
    }
  }
  writer.EndFamily();
  writer.BeginFamily(Describe(Metric::kHttpRequestDuration));
  for (const HttpHandlerStats& handler : http) {
    writer.WriteHistogram({{"handler", handler.handler}},
                          {handler.durations, handler.duration_count,
                           handler.duration_sum_seconds});
  }
  writer.EndFamily();
}

}  // namespace

void CollectProcess(const ProcessMemory& memory,
                    std::optional<double> start_seconds, MetricWriter& writer) {
  writer.BeginFamily(Describe(Metric::kProcessResidentMemory));
  writer.WriteSample({}, memory.resident_bytes);
  writer.EndFamily();
  writer.BeginFamily(Describe(Metric::kProcessVirtualMemory));
  writer.WriteSample({}, memory.virtual_bytes);
  writer.EndFamily();
  if (!start_seconds.has_value()) return;
  writer.BeginFamily(Describe(Metric::kProcessStartTime));
  writer.WriteSample({}, *start_seconds);
  writer.EndFamily();
}

void CollectSelf(AllocatorSnapshots snapshots, const SelfStats& self,
                 MetricWriter& writer) {
  writer.BeginFamily(Describe(Metric::kBuildInfo));
  writer.WriteSample({{"version", self.build.version},
                      {"revision", self.build.revision},
                      {"compiler", self.build.compiler}},
                     uint64_t{1});
  writer.EndFamily();
  uint64_t overhead_bytes = self.exporter_bytes + self.leak_bytes +
                            self.outbound_bytes + self.native_memory_bytes;
  if (!snapshots.empty()) {
    WriteFamily(
        Metric::kConfigInfo, snapshots, writer,
        [&](const AllocatorStats& allocator) {
          writer.WriteSample(
              {{"page_size", NumberText(allocator.page_size_bytes).view()},
               {"chunk_size", NumberText(allocator.chunk_size_bytes).view()},
               {"arenas", NumberText(allocator.arenas.size()).view()},
               {"layout", allocator.layout}},
              uint64_t{1});
          overhead_bytes += allocator.metadata_bytes;
        });
    WritePerAllocator(Metric::kSnapshotId, snapshots, writer,
                      &AllocatorStats::snapshot_id);
  }
  if (!self.runs.empty()) {
    WriteRuns(Metric::kScrapeDuration, self, writer,
              [](const CollectorRun& run) -> MetricValue {
                return run.duration_seconds;
              });
    WriteRuns(Metric::kScrapeSuccess, self, writer,
              [](const CollectorRun& run) -> MetricValue {
                return uint64_t{run.success};
              });
    WriteRuns(Metric::kSnapshotAge, self, writer,
              [](const CollectorRun& run) -> MetricValue {
                return run.snapshot_age_seconds;
              });
  }
  if (self.http.has_value()) CollectHttp(*self.http, writer);
  writer.BeginFamily(Describe(Metric::kTrackingOverheadBytes));
  writer.WriteSample({}, overhead_bytes);
  writer.EndFamily();
}

void CollectDroppedSeries(const DroppedSeries& dropped, MetricWriter& writer) {
  writer.BeginFamily(Describe(Metric::kDroppedSeries));
  for (int i = 0; i < kDropReasonCount; ++i) {
    const DropReason reason = static_cast<DropReason>(i);
    writer.WriteSample({{"reason", DropReasonName(reason)}},
                       dropped.Get(reason));
  }
  writer.EndFamily();
}

}  // namespace poolscope
