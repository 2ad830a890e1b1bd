// MetricWriter: what every collector writes to, whatever the format.
//
//   collectors (values in hand) -> MetricWriter -> text 0.0.4
//                                               -> prometheus::MetricFamily
//                                               -> MergingWriter -> one of them
//
// A collector opens a family, writes its samples and goes on to the next:
//
//   writer.BeginFamily(Describe(Metric::kChunks));
//   writer.ShareLabels({{"arena", "0"}});
//   writer.WriteSample({{"list", "q050"}}, uint64_t{3});
//   writer.EndFamily();
//
// Contract for the caller: families do not nest; within one output a family is
// begun once and no label set occurs twice in it; a counter, gauge, info or
// state set gets WriteSample, a histogram WriteHistogram, a summary
// WriteSummary. Labels arrive in the order in which they are to be shown.
//
// Implementations are thread-compatible; everything passed in is only borrowed
// for the call.
#ifndef POOLSCOPE_METRICS_METRIC_WRITER_H_
#define POOLSCOPE_METRICS_METRIC_WRITER_H_

#include <cstdint>
#include <initializer_list>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace poolscope {

enum class MetricType {
  kCounter,
  kGauge,
  kHistogram,
  kInfo,      // text 0.0.4 knows it as a gauge that is always 1
  kStateSet,  // text 0.0.4: gauges of 0 and 1
  kSummary,   // only from collectables of the embedder
  kUnknown,   // likewise
};

// What is said once about a family.
struct MetricDescriptor {
  absl::string_view name;  // as text 0.0.4 shows it, "_total" included
  MetricType type = MetricType::kUnknown;
  absl::string_view unit;  // "bytes", "seconds", or empty: a plain count
  absl::string_view help;
};

struct MetricLabel {
  absl::string_view name;
  absl::string_view value;
};

// A sample's value: counts stay integers to the last digit, the rest is double.
class MetricValue {
 public:
  // Implicit, so that a collector can pass the field itself.
  constexpr MetricValue(uint64_t value) : is_integer_(true), integer_(value) {}
  constexpr MetricValue(double value) : is_integer_(false), real_(value) {}

  constexpr bool is_integer() const { return is_integer_; }
  // Precondition: is_integer().
  constexpr uint64_t integer() const { return integer_; }
  constexpr double AsDouble() const {
    return is_integer_ ? static_cast<double>(integer_) : real_;
  }

 private:
  bool is_integer_;
  union {
    uint64_t integer_;
    double real_;
  };
};

struct HistogramBucket {
  double upper_bound = 0;         // inclusive
  uint64_t cumulative_count = 0;  // observations <= upper_bound
};

// Buckets in ascending order of their bounds, counts never falling. A last
// bucket with the bound +Inf may be given; where it is not, `count` is it.
struct HistogramValue {
  absl::Span<const HistogramBucket> buckets;
  uint64_t count = 0;  // >= the last bucket's
  double sum = 0;
};

struct SummaryQuantile {
  double quantile = 0;
  double value = 0;
};

struct SummaryValue {
  absl::Span<const SummaryQuantile> quantiles;
  uint64_t count = 0;
  double sum = 0;
};

class MetricWriter {
 public:
  using Labels = absl::Span<const MetricLabel>;

  virtual ~MetricWriter() = default;

  virtual void BeginFamily(const MetricDescriptor& family) = 0;
  // Every series from here on begins with `labels`, until the next call or the
  // end of the family: what a row of series has in common is rendered once.
  virtual void ShareLabels(Labels labels) = 0;
  virtual void WriteSample(Labels labels, MetricValue value) = 0;
  virtual void WriteHistogram(Labels labels, const HistogramValue& value) = 0;
  virtual void WriteSummary(Labels labels, const SummaryValue& value) = 0;
  virtual void EndFamily() = 0;

  void ShareLabels(std::initializer_list<MetricLabel> labels) {
    ShareLabels(Labels(labels.begin(), labels.size()));
  }
  void WriteSample(std::initializer_list<MetricLabel> labels,
                   MetricValue value) {
    WriteSample(Labels(labels.begin(), labels.size()), value);
  }
  void WriteHistogram(std::initializer_list<MetricLabel> labels,
                      const HistogramValue& value) {
    WriteHistogram(Labels(labels.begin(), labels.size()), value);
  }
};

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_METRIC_WRITER_H_
