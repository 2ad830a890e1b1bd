#include "poolscope/metrics/leak_collector.h"

#include <array>
#include <cstdint>

#include "poolscope/allocator/leak/leak_level.h"
#include "poolscope/allocator/leak/leak_report.h"
#include "poolscope/metrics/metric_names.h"

namespace poolscope {
namespace {

template <typename Samples>
void WriteLeakFamily(Metric metric, absl::Span<const LeakStats> detectors,
                     MetricWriter& writer, Samples samples) {
  writer.BeginFamily(Describe(metric));
  for (const LeakStats& detector : detectors) samples(detector);
  writer.EndFamily();
}

void WriteByVerdict(
    Metric metric, absl::Span<const LeakStats> detectors, MetricWriter& writer,
    std::array<uint64_t, kLeakVerdictCount> LeakStats::*counts) {
  WriteLeakFamily(metric, detectors, writer, [&](const LeakStats& detector) {
    for (int v = 0; v < kLeakVerdictCount; ++v) {
      writer.WriteSample(
          {{"allocator", detector.allocator},
           {"verdict", LeakVerdictName(static_cast<LeakVerdict>(v))}},
          (detector.*counts)[v]);
    }
  });
}

}  // namespace

void CollectLeaks(absl::Span<const LeakStats> detectors, MetricWriter& writer) {
  WriteByVerdict(Metric::kLeaks, detectors, writer, &LeakStats::leaks);
  WriteByVerdict(Metric::kLeakReports, detectors, writer, &LeakStats::reports);
  WriteLeakFamily(Metric::kLeakTrackedBuffers, detectors, writer,
                  [&](const LeakStats& detector) {
                    writer.WriteSample({{"allocator", detector.allocator}},
                                       detector.tracked);
                  });
  WriteLeakFamily(Metric::kLeakSamplingRatio, detectors, writer,
                  [&](const LeakStats& detector) {
                    writer.WriteSample({{"allocator", detector.allocator}},
                                       detector.sampling_ratio);
                  });
  WriteLeakFamily(
      Metric::kLeakRecordsDropped, detectors, writer,
      [&](const LeakStats& detector) {
        const auto write = [&](const char* record, uint64_t count) {
          writer.WriteSample(
              {{"allocator", detector.allocator}, {"record", record}}, count);
        };
        write("block", detector.dropped_blocks);
        write("stack", detector.dropped_stacks);
        write("access", detector.dropped_accesses);
      });
  WriteLeakFamily(Metric::kLeakDetectionLevel, detectors, writer,
                  [&](const LeakStats& detector) {
                    for (LeakLevel level : kLeakLevels) {
                      writer.WriteSample({{"allocator", detector.allocator},
                                          {"level", LeakLevelName(level)}},
                                         uint64_t{level == detector.level});
                    }
                  });
}

}  // namespace poolscope
