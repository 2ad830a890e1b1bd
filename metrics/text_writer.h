// TextWriter: the Prometheus text exposition format, version 0.0.4, or that of
// OpenMetrics, version 1.0.0.
//
//   TextWriter writer;
//   registry.Collect(writer);
//   writer.Finish();
//   Send(writer.text());
//   writer.Clear();            // keeps the memory for the next scrape
//
//                 0.0.4                            OpenMetrics
//   counter       # TYPE x_total counter           # TYPE x counter
//                 x_total 1                        x_total 1
//     not _total  # TYPE x counter                 # TYPE x unknown
//   info          # TYPE x_info gauge              # TYPE x info
//                 x_info{...} 1                    x_info{...} 1
//   state set     # TYPE x gauge                   the same: an OpenMetrics one
//                 x{level="a"} 1                   would need a label "x"
//   unit          -                                # UNIT x_bytes bytes
//   the end       -                                # EOF
//
// So both make the same series. There are no exemplars: nothing that is counted
// here belongs to a trace. Two families whose names differ by "_total" or
// "_info" alone have one name in OpenMetrics; none of the catalogue do, and
// Prometheus takes those of an embedder.
//
// Integers are written exactly, other values as the shortest decimal that reads
// back as the same double; bucket bounds always as floats ("64.0"), as
// OpenMetrics wants them too, so that both formats give the same series.
//
// Thread safety: thread-compatible.
#ifndef POOLSCOPE_METRICS_TEXT_WRITER_H_
#define POOLSCOPE_METRICS_TEXT_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "poolscope/metrics/metric_writer.h"

namespace poolscope {

enum class ExpositionFormat { kText, kOpenMetrics };
inline constexpr size_t kExpositionFormatCount = 2;

class TextWriter final : public MetricWriter {
 public:
  TextWriter() = default;
  TextWriter(const TextWriter&) = delete;
  TextWriter& operator=(const TextWriter&) = delete;

  using MetricWriter::ShareLabels;
  using MetricWriter::WriteHistogram;
  using MetricWriter::WriteSample;
  void BeginFamily(const MetricDescriptor& family) override;
  void ShareLabels(Labels labels) override;
  void WriteSample(Labels labels, MetricValue value) override;
  void WriteHistogram(Labels labels, const HistogramValue& value) override;
  void WriteSummary(Labels labels, const SummaryValue& value) override;
  void EndFamily() override;

  // Of what is written from now on; before anything is.
  void set_format(ExpositionFormat format) { format_ = format; }
  // After the last family.
  void Finish();

  // What was written since the last Clear(). Valid until the next call.
  absl::string_view text() const {
    return absl::string_view(buffer_.data(), size_);
  }

  void Clear() { size_ = 0; }

  // Bytes held, used or not.
  size_t capacity_bytes() const { return buffer_.capacity(); }

 private:
  // Makes room for `bytes` more and returns where they go; Commit() says up to
  // where they were written.
  char* Reserve(size_t bytes);
  void Grow(size_t bytes);
  void Commit(const char* end) { size_ = end - buffer_.data(); }

  // One line: name, suffix, the shared labels, `labels`, and `last` unless it
  // is null; and the value.
  void WriteLine(absl::string_view suffix, Labels labels,
                 const MetricLabel* last, MetricValue value);
  void WriteTotals(Labels labels, double sum, uint64_t count);

  ExpositionFormat format_ = ExpositionFormat::kText;

  // Of the open family: its name, then the shared labels as
  // `{arena="0",list="q050"`, or nothing.
  std::string start_;
  size_t name_size_ = 0;

  std::string buffer_;  // its size() is the room there is
  size_t size_ = 0;     // bytes of it in use
};

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_TEXT_WRITER_H_
