#include "poolscope/metrics/history/openmetrics_text.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

namespace poolscope {
namespace {

constexpr size_t kPieceBytes = size_t{1} << 20;

// Seconds since the epoch.
std::string Timestamp(int64_t millis) {
  return absl::StrFormat("%d.%03d", millis / 1000, millis % 1000);
}

void AppendHead(const MetricHistory& history,
                const MetricHistory::Family& family, std::string& text) {
  absl::string_view name = family.name;
  absl::string_view type = family.type;
  // A name is that of one family alone.
  if (type == "counter" && (!absl::ConsumeSuffix(&name, "_total") ||
                            history.Find(name) != nullptr)) {
    name = family.name;
    type = "unknown";
  }
  if (type == "untyped") type = "unknown";
  absl::StrAppend(&text, "# TYPE ", name, " ", type, "\n# HELP ", name, " ",
                  absl::StrReplaceAll(family.help, {{"\"", "\\\""}}), "\n");
}

}  // namespace

void WriteOpenMetricsText(const MetricHistory& history,
                          const std::function<void(absl::string_view)>& out) {
  std::string text;
  for (const MetricHistory::Family& family : history.families()) {
    if (family.series.empty()) continue;
    AppendHead(history, family, text);
    for (const MetricHistory::Series& series : family.series) {
      int64_t before_millis = -1;
      for (const MetricHistory::Point& point : series.points) {
        // One sample a millisecond is all that Prometheus takes.
        const int64_t millis = point.nanos / 1000000;
        if (millis == before_millis) continue;
        before_millis = millis;
        absl::StrAppend(&text, series.name, series.labels, " ", point.value,
                        " ", Timestamp(millis), "\n");
      }
      if (text.size() >= kPieceBytes) {
        out(text);
        text.clear();
      }
    }
  }
  text += "# EOF\n";
  out(text);
}

}  // namespace poolscope
