#include "poolscope/metrics/native_memory/native_memory_text.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace poolscope {
namespace {

// Both directions walk over the fields in the same order: a row is written and
// read by the one function that names them.

class LineWriter {
 public:
  explicit LineWriter(std::string* out) : out_(*out) {}

  void Field(const std::string& text) {
    absl::StrAppend(&out_, "\t", absl::CHexEscape(text));
  }
  void Field(uint64_t value) { absl::StrAppend(&out_, "\t", value); }
  void Field(int64_t value) { absl::StrAppend(&out_, "\t", value); }
  // To the nanosecond, of what StrAppend() gives six digits.
  void Seconds(double value) { Field(int64_t{std::llround(value * 1e9)}); }
  void Field(bool value) { Field(uint64_t{value}); }

 private:
  std::string& out_;
};

class LineReader {
 public:
  explicit LineReader(std::vector<absl::string_view> fields)
      : fields_(std::move(fields)) {}

  void Field(std::string& text) {
    ok_ = ok_ && next_ < fields_.size() &&
          absl::CUnescape(fields_[next_++], &text);
  }
  void Field(uint64_t& value) { Number(value); }
  void Field(int64_t& value) { Number(value); }
  void Seconds(double& value) {
    int64_t nanos = 0;
    Number(nanos);
    value = 1e-9 * static_cast<double>(nanos);
  }
  void Field(bool& value) {
    uint64_t number = 0;
    Number(number);
    value = number != 0;
  }
  // Every field was there, and no other.
  bool complete() const { return ok_ && next_ == fields_.size(); }

 private:
  template <typename Value>
  void Number(Value& value) {
    ok_ = ok_ && next_ < fields_.size() &&
          absl::SimpleAtoi(fields_[next_++], &value);
  }

  const std::vector<absl::string_view> fields_;
  size_t next_ = 1;  // behind the kind of row
  bool ok_ = true;
};

template <typename Line, typename Stats>
void Walk(Line& line, Stats& stats) {
  line.Field(stats.walk_id);
  line.Field(stats.walked_at_unix_nanos);
  line.Seconds(stats.walk_seconds);
  line.Field(stats.resident_bytes);
  line.Field(stats.mapping_count);
  line.Field(stats.tracking_overhead_bytes);
}

template <typename Line, typename Category>
void CategoryRow(Line& line, Category& category) {
  line.Field(category.name);
  line.Field(category.malloc_bytes);
  line.Field(category.malloc_count);
  line.Field(category.mmap_reserved_bytes);
  line.Field(category.mmap_committed_bytes);
  line.Field(category.resident_bytes);
  line.Field(category.resident_is_estimate);
  line.Field(category.peak_committed_bytes);
  line.Field(category.live_count);
  line.Field(category.threads);
}

template <typename Line, typename Detail>
void DetailRow(Line& line, Detail& detail) {
  line.Field(detail.category);
  line.Field(detail.name);
  line.Field(detail.bytes);
}

template <typename Line, typename Mapping>
void UnknownRow(Line& line, Mapping& mapping) {
  line.Field(mapping.start);
  line.Field(mapping.end);
  line.Field(mapping.permissions);
  line.Field(mapping.name);
  line.Field(mapping.resident_bytes);
  line.Field(mapping.category);
  line.Field(mapping.detail);
}

}  // namespace

std::string NativeMemoryText(const NativeMemoryStats& stats) {
  std::string text = "walk";
  LineWriter line(&text);
  Walk(line, stats);
  for (const NativeMemoryCategoryStats& category : stats.categories) {
    text += "\ncategory";
    CategoryRow(line, category);
  }
  for (const NativeMemoryDetail& detail : stats.details) {
    text += "\ndetail";
    DetailRow(line, detail);
  }
  for (const OwnedMapping& mapping : stats.largest_unknown) {
    text += "\nunknown";
    UnknownRow(line, mapping);
  }
  text += "\n";
  return text;
}

absl::StatusOr<NativeMemoryStats> ParseNativeMemoryText(
    absl::string_view text) {
  NativeMemoryStats stats;
  bool walked = false;
  absl::ConsumeSuffix(&text, "\n");
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    LineReader reader(absl::StrSplit(line, '\t'));
    const absl::string_view kind = line.substr(0, line.find('\t'));
    bool known = true;
    if (kind == "walk" && !walked) {
      Walk(reader, stats);
      walked = true;
    } else if (kind == "category") {
      CategoryRow(reader, stats.categories.emplace_back());
    } else if (kind == "detail") {
      DetailRow(reader, stats.details.emplace_back());
    } else if (kind == "unknown") {
      UnknownRow(reader, stats.largest_unknown.emplace_back());
    } else {
      known = false;
    }
    if (!known || !reader.complete()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "\"", absl::CHexEscape(line), "\" is no row of native memory"));
    }
  }
  return stats;
}

}  // namespace poolscope
