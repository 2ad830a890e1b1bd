#include "poolscope/metrics/text_writer.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "poolscope/metrics/number_format.h"

namespace poolscope {
namespace {

char* Append(absl::string_view text, char* to) {
  std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

// Writes `text` with backslash and line feed escaped, and the double quote too
// where `quoted`. At most twice its length.
char* AppendEscaped(absl::string_view text, bool quoted, char* to) {
  for (unsigned char c : text) {
    // Most characters are beyond this comparison.
    if (c <= '"' || c == '\\') {
      if (c == '\\' || c == '\n' || (quoted && c == '"')) {
        *to++ = '\\';
        if (c == '\n') c = 'n';
      }
    }
    *to++ = c;
  }
  return to;
}

// A type as text 0.0.4 names it.
absl::string_view TypeName(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return "counter";
    case MetricType::kGauge:
    case MetricType::kInfo:
    case MetricType::kStateSet:
      return "gauge";
    case MetricType::kHistogram:
      return "histogram";
    case MetricType::kSummary:
      return "summary";
    case MetricType::kUnknown:
      break;
  }
  return "untyped";
}

// What OpenMetrics says of a family.
struct OpenFamily {
  absl::string_view name;
  absl::string_view type;
  absl::string_view unit;  // empty where the name has none
};

OpenFamily OpenFamilyOf(const MetricDescriptor& family) {
  OpenFamily open{family.name, TypeName(family.type), ""};
  if (family.type == MetricType::kUnknown) open.type = "unknown";
  if (family.type == MetricType::kCounter &&
      !absl::ConsumeSuffix(&open.name, "_total")) {
    open.type = "unknown";
  }
  if (family.type == MetricType::kInfo &&
      absl::ConsumeSuffix(&open.name, "_info")) {
    open.type = "info";
  }
  absl::string_view base = open.name;
  if (!family.unit.empty() && absl::ConsumeSuffix(&base, family.unit) &&
      absl::EndsWith(base, "_")) {
    open.unit = family.unit;
  }
  return open;
}

// Bytes that AppendLabel() writes at most.
size_t LabelRoom(const MetricLabel& label) {
  return label.name.size() + 2 * label.value.size() + sizeof("{=\"\"}");
}

// `separator` is '{' before the first label, ',' before the others.
char* AppendLabel(char separator, const MetricLabel& label, char* to) {
  *to++ = separator;
  to = Append(label.name, to);
  *to++ = '=';
  *to++ = '"';
  to = AppendEscaped(label.value, /*quoted=*/true, to);
  *to++ = '"';
  return to;
}

}  // namespace

void TextWriter::Grow(size_t bytes) {
  buffer_.resize(std::max(buffer_.size() * 2, size_ + bytes + 4096));
  buffer_.resize(buffer_.capacity());
}

inline char* TextWriter::Reserve(size_t bytes) {
  if (buffer_.size() - size_ < bytes) Grow(bytes);
  return &buffer_[size_];
}

void TextWriter::BeginFamily(const MetricDescriptor& family) {
  start_.assign(family.name.data(), family.name.size());
  name_size_ = family.name.size();
  const bool open = format_ == ExpositionFormat::kOpenMetrics;
  const OpenFamily shown = open
                               ? OpenFamilyOf(family)
                               : OpenFamily{family.name, TypeName(family.type)};
  char* to = Reserve(3 * family.name.size() + 2 * family.help.size() +
                     family.unit.size() + 64);
  to = Append("# HELP ", to);
  to = Append(shown.name, to);
  *to++ = ' ';
  to = AppendEscaped(family.help, /*quoted=*/open, to);
  to = Append("\n# TYPE ", to);
  to = Append(shown.name, to);
  *to++ = ' ';
  to = Append(shown.type, to);
  if (!shown.unit.empty()) {
    to = Append("\n# UNIT ", to);
    to = Append(shown.name, to);
    *to++ = ' ';
    to = Append(shown.unit, to);
  }
  *to++ = '\n';
  Commit(to);
}

void TextWriter::ShareLabels(Labels labels) {
  size_t room = name_size_;
  for (const MetricLabel& label : labels) room += LabelRoom(label);
  start_.resize(room);
  char* to = &start_[name_size_];
  char separator = '{';
  for (const MetricLabel& label : labels) {
    to = AppendLabel(separator, label, to);
    separator = ',';
  }
  start_.resize(to - start_.data());
}

void TextWriter::EndFamily() {}

void TextWriter::Finish() {
  if (format_ != ExpositionFormat::kOpenMetrics) return;
  constexpr absl::string_view kEnd = "# EOF\n";
  Commit(Append(kEnd, Reserve(kEnd.size())));
}

inline void TextWriter::WriteLine(absl::string_view suffix, Labels labels,
                                  const MetricLabel* last, MetricValue value) {
  size_t room = start_.size() + suffix.size() + kMaxNumberLength + sizeof("} ");
  for (const MetricLabel& label : labels) room += LabelRoom(label);
  if (last != nullptr) room += LabelRoom(*last);
  char* to = Reserve(room);
  const absl::string_view start = start_;
  if (suffix.empty()) {
    to = Append(start, to);
  } else {
    to = Append(start.substr(0, name_size_), to);
    to = Append(suffix, to);
    to = Append(start.substr(name_size_), to);
  }
  char separator = start_.size() == name_size_ ? '{' : ',';
  for (const MetricLabel& label : labels) {
    to = AppendLabel(separator, label, to);
    separator = ',';
  }
  if (last != nullptr) {
    to = AppendLabel(separator, *last, to);
    separator = ',';
  }
  if (separator == ',') *to++ = '}';
  *to++ = ' ';
  to = value.is_integer() ? FormatInteger(value.integer(), to)
                          : FormatReal(value.AsDouble(), to);
  *to++ = '\n';
  Commit(to);
}

void TextWriter::WriteSample(Labels labels, MetricValue value) {
  WriteLine("", labels, nullptr, value);
}

void TextWriter::WriteTotals(Labels labels, double sum, uint64_t count) {
  WriteLine("_sum", labels, nullptr, sum);
  WriteLine("_count", labels, nullptr, count);
}

void TextWriter::WriteHistogram(Labels labels, const HistogramValue& value) {
  char bound[kMaxNumberLength];
  for (const HistogramBucket& bucket : value.buckets) {
    if (bucket.upper_bound == std::numeric_limits<double>::infinity()) break;
    const char* end = FormatBound(bucket.upper_bound, bound);
    const MetricLabel le = {"le", absl::string_view(bound, end - bound)};
    WriteLine("_bucket", labels, &le, bucket.cumulative_count);
  }
  const MetricLabel le = {"le", "+Inf"};
  WriteLine("_bucket", labels, &le, value.count);
  WriteTotals(labels, value.sum, value.count);
}

void TextWriter::WriteSummary(Labels labels, const SummaryValue& value) {
  char text[kMaxNumberLength];
  for (const SummaryQuantile& each : value.quantiles) {
    const char* end = FormatBound(each.quantile, text);
    const MetricLabel quantile = {"quantile",
                                  absl::string_view(text, end - text)};
    WriteLine("", labels, &quantile, each.value);
  }
  WriteTotals(labels, value.sum, value.count);
}

}  // namespace poolscope
