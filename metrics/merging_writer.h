// MergingWriter: this library's families and those of registered collectables,
// as one exposition in which no family and no label set occurs twice.
//
//   collectors -> MergingWriter -> TextWriter
//                      ^
//   ForeignFamilies ---+
//
// Samples pass straight through; at the end of a family the foreign series of
// the same name and type follow. WriteRemaining() writes the families that only
// collectables have. A label set that is already there is dropped and counted;
// this library's own come first and so are the ones kept.
//
//   MergingWriter merged(foreign, &dropped, &text);
//   CollectArenas(snapshots, merged);
//   merged.WriteRemaining({"poolscope_dropped_series_total"});
//   CollectDroppedSeries(dropped, merged);  // those so far are in it
//
// Thread safety: thread-compatible.
#ifndef POOLSCOPE_METRICS_MERGING_WRITER_H_
#define POOLSCOPE_METRICS_MERGING_WRITER_H_

#include <cstddef>
#include <deque>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "poolscope/metrics/dropped_series.h"
#include "poolscope/metrics/foreign_families.h"
#include "poolscope/metrics/metric_writer.h"
#include "prometheus/client_metric.h"

namespace poolscope {

class MergingWriter final : public MetricWriter {
 public:
  // Nothing is owned; `foreign` must not change while this lives.
  MergingWriter(const ForeignFamilies& foreign, DroppedSeries* dropped,
                MetricWriter* out);
  MergingWriter(const MergingWriter&) = delete;
  MergingWriter& operator=(const MergingWriter&) = delete;

  using MetricWriter::ShareLabels;
  using MetricWriter::WriteHistogram;
  using MetricWriter::WriteSample;
  void BeginFamily(const MetricDescriptor& family) override;
  void ShareLabels(Labels labels) override;
  void WriteSample(Labels labels, MetricValue value) override;
  void WriteHistogram(Labels labels, const HistogramValue& value) override;
  void WriteSummary(Labels labels, const SummaryValue& value) override;
  void EndFamily() override;

  // Writes the foreign families that joined none so far, but for those named in
  // `coming`: the caller writes families of these names afterwards.
  void WriteRemaining(absl::Span<const absl::string_view> coming);

 private:
  using LabelSet = std::vector<prometheus::ClientMetric::Label>;
  struct LabelSetHash {
    size_t operator()(const LabelSet* labels) const;
  };
  struct LabelSetEqual {
    bool operator()(const LabelSet* a, const LabelSet* b) const {
      return *a == *b;
    }
  };

  // Remembers an own label set; only where foreign series will join the family.
  void Remember(Labels labels);
  // Writes the series of `family` whose labels are new in the open family.
  void WriteForeign(const ForeignFamily& family);
  // Whether `family`'s name is, or makes, a series of a histogram or summary of
  // another name, which Prometheus' stricter formats refuse.
  bool CollidesWithParts(const ForeignFamily& family) const;

  const ForeignFamilies& foreign_;
  DroppedSeries* const dropped_;
  MetricWriter* const out_;

  absl::flat_hash_set<const ForeignFamily*> joined_;

  // Of the open family, while foreign series will join it. Label sets are
  // sorted by name, but for the one shared; `own_` keeps ours, and a deque
  // leaves them where `seen_` points to.
  const ForeignFamily* joining_ = nullptr;
  LabelSet shared_;
  std::deque<LabelSet> own_;
  absl::flat_hash_set<const LabelSet*, LabelSetHash, LabelSetEqual> seen_;
  std::vector<MetricLabel> labels_;  // reused
};

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_MERGING_WRITER_H_
