#include "poolscope/metrics/text_writer.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

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
  for (char c : text) {
    if (c == '\\' || c == '\n' || (quoted && c == '"')) {
      *to++ = '\\';
      if (c == '\n') c = 'n';
    }
    *to++ = c;
  }
  return to;
}

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

}  // namespace

char* TextWriter::Reserve(size_t bytes) {
  if (buffer_.size() - size_ < bytes) {
    buffer_.resize(std::max(buffer_.size() * 2, size_ + bytes + 4096));
    buffer_.resize(buffer_.capacity());
  }
  return &buffer_[size_];
}

void TextWriter::BeginFamily(const MetricDescriptor& family) {
  name_.assign(family.name.data(), family.name.size());
  char* to = Reserve(2 * family.name.size() + 2 * family.help.size() + 64);
  to = Append("# HELP ", to);
  to = Append(name_, to);
  *to++ = ' ';
  to = AppendEscaped(family.help, /*quoted=*/false, to);
  to = Append("\n# TYPE ", to);
  to = Append(name_, to);
  *to++ = ' ';
  to = Append(TypeName(family.type), to);
  *to++ = '\n';
  Commit(to);
}

void TextWriter::EndFamily() {}

void TextWriter::WriteLine(absl::string_view suffix, Labels labels,
                           absl::string_view extra_name,
                           absl::string_view extra_value, MetricValue value) {
  size_t room = name_.size() + suffix.size() + extra_name.size() +
                2 * extra_value.size() + kMaxNumberLength + 8;
  for (const MetricLabel& label : labels) {
    room += label.name.size() + 2 * label.value.size() + 4;
  }
  char* to = Reserve(room);
  to = Append(name_, to);
  to = Append(suffix, to);
  char separator = '{';
  const auto append_label = [&](absl::string_view name,
                                absl::string_view text) {
    *to++ = separator;
    separator = ',';
    to = Append(name, to);
    *to++ = '=';
    *to++ = '"';
    to = AppendEscaped(text, /*quoted=*/true, to);
    *to++ = '"';
  };
  for (const MetricLabel& label : labels) append_label(label.name, label.value);
  if (!extra_name.empty()) append_label(extra_name, extra_value);
  if (separator == ',') *to++ = '}';
  *to++ = ' ';
  to = value.is_integer() ? FormatInteger(value.integer(), to)
                          : FormatReal(value.AsDouble(), to);
  *to++ = '\n';
  Commit(to);
}

void TextWriter::WriteSample(Labels labels, MetricValue value) {
  WriteLine("", labels, "", "", value);
}

void TextWriter::WriteHistogram(Labels labels, const HistogramValue& value) {
  char bound[kMaxNumberLength];
  for (const HistogramBucket& bucket : value.buckets) {
    if (bucket.upper_bound == std::numeric_limits<double>::infinity()) break;
    const char* end = FormatBound(bucket.upper_bound, bound);
    WriteLine("_bucket", labels, "le", absl::string_view(bound, end - bound),
              bucket.cumulative_count);
  }
  WriteLine("_bucket", labels, "le", "+Inf", value.count);
  WriteLine("_sum", labels, "", "", value.sum);
  WriteLine("_count", labels, "", "", value.count);
}

void TextWriter::WriteSummary(Labels labels, const SummaryValue& value) {
  char text[kMaxNumberLength];
  for (const SummaryQuantile& quantile : value.quantiles) {
    const char* end = FormatBound(quantile.quantile, text);
    WriteLine("", labels, "quantile", absl::string_view(text, end - text),
              quantile.value);
  }
  WriteLine("_sum", labels, "", "", value.sum);
  WriteLine("_count", labels, "", "", value.count);
}

}  // namespace poolscope
