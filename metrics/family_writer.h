// FamilyWriter: what was collected, as prometheus::MetricFamily values.
//
// For services that already have an Exposer (see pool_collectable.h). The data
// model of prometheus-cpp has neither unit, info nor state set: an info or a
// state set becomes a gauge, and every value a double.
//
//   FamilyWriter writer;
//   registry.Collect(writer);
//   return writer.Take();
//
// Thread safety: thread-compatible.
#ifndef POOLSCOPE_METRICS_FAMILY_WRITER_H_
#define POOLSCOPE_METRICS_FAMILY_WRITER_H_

#include <vector>

#include "poolscope/metrics/metric_writer.h"
#include "prometheus/client_metric.h"
#include "prometheus/metric_family.h"

namespace poolscope {

class FamilyWriter final : public MetricWriter {
 public:
  FamilyWriter() = default;
  FamilyWriter(const FamilyWriter&) = delete;
  FamilyWriter& operator=(const FamilyWriter&) = delete;

  using MetricWriter::ShareLabels;
  using MetricWriter::WriteHistogram;
  using MetricWriter::WriteSample;
  void BeginFamily(const MetricDescriptor& family) override;
  void ShareLabels(Labels labels) override;
  void WriteSample(Labels labels, MetricValue value) override;
  void WriteHistogram(Labels labels, const HistogramValue& value) override;
  void WriteSummary(Labels labels, const SummaryValue& value) override;
  void EndFamily() override;

  // The families written since the last Take(), in their order.
  [[nodiscard]] std::vector<prometheus::MetricFamily> Take();

 private:
  // Adds a series with the shared labels and these to the open family.
  prometheus::ClientMetric& AddMetric(Labels labels);

  std::vector<prometheus::MetricFamily> families_;
  std::vector<prometheus::ClientMetric::Label> shared_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_FAMILY_WRITER_H_
