#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "poolscope/metrics/native_memory/nmt_report.h"
#include "poolscope/metrics/native_memory/printable_name.h"

namespace poolscope {
namespace {

// A name that comes from outside, without the '=' of which every line has one
// that a tool looks for.
std::string Printable(absl::string_view name) {
  return absl::StrReplaceAll(PrintableName(name), {{"=", "\\x3d"}});
}

class TextReport {
 public:
  TextReport(const NmtReport& report, const NmtTextOptions& options)
      : report_(report), options_(options) {}

  std::string Make() && {
    AppendTotal();
    for (const NmtCategory& category : report_.categories) {
      // By the larger of both sides, so that what vanished is seen to.
      if (Rounds(category.reserved)) AppendCategory(category);
    }
    AppendDetails();
    AppendLargestUnknown();
    if (IsDetail(report_.view)) {
      AppendMappings();
      AppendCallSites();
    }
    return std::move(text_);
  }

 private:
  uint64_t Round(uint64_t bytes) const { return options_.scale.Round(bytes); }
  bool Rounds(const NmtFigure& figure) const {
    return Round(figure.larger()) > 0;
  }

  // " +12KB"; empty where nothing changed, or nothing is compared.
  std::string Change(uint64_t now, uint64_t early,
                     absl::string_view unit) const {
    if (!IsDiff(report_.view) || now == early) return "";
    return absl::StrCat(now > early ? " +" : " -",
                        now > early ? now - early : early - now, unit);
  }
  std::string Bytes(const NmtFigure& figure) const {
    const absl::string_view unit = options_.scale.unit;
    // The change is rounded itself: two rounded values may differ by less.
    const uint64_t grown =
        figure.now > figure.early ? figure.now - figure.early : 0;
    const uint64_t shrunk =
        figure.early > figure.now ? figure.early - figure.now : 0;
    return absl::StrCat(Round(figure.now), unit,
                        Change(Round(grown), Round(shrunk), unit));
  }
  std::string Count(const NmtFigure& figure) const {
    return absl::StrCat("#", figure.now, Change(figure.now, figure.early, ""));
  }
  std::string ReservedCommitted(const NmtFigure& reserved,
                                const NmtFigure& committed) const {
    return absl::StrCat("reserved=", Bytes(reserved),
                        ", committed=", Bytes(committed));
  }

  void AppendTotal() {
    const NmtCategory& total = report_.total;
    const NmtScale& scale = options_.scale;
    absl::StrAppend(&text_, "\nNative Memory Tracking:\n\n");
    if (scale.bytes > 1) {
      absl::StrAppend(&text_, "(Omitting categories weighting less than 1",
                      scale.unit, ")\n\n");
    }
    absl::StrAppend(
        &text_, "Total: ", ReservedCommitted(total.reserved, total.committed),
        "\n       malloc: ", Bytes(total.malloc_bytes), " ",
        Count(total.malloc_count), "\n       mmap:   ",
        ReservedCommitted(total.mmap_reserved, total.mmap_committed),
        "\n       resident: ", Bytes(total.resident), "\n\n");
  }

  void AppendLine(absl::string_view line) {
    text_.append(28, ' ');
    absl::StrAppend(&text_, "(", line, ")\n");
  }

  void AppendCategory(const NmtCategory& category) {
    absl::StrAppendFormat(
        &text_, "-%26s (%s)\n", category.name,
        ReservedCommitted(category.reserved, category.committed));
    const bool has_threads = category.threads.larger() > 0;
    if (has_threads) {
      AppendLine(absl::StrCat("threads ", Count(category.threads)));
    }
    if (Rounds(category.malloc_bytes)) {
      AppendLine(absl::StrCat("malloc=", Bytes(category.malloc_bytes), " ",
                              Count(category.malloc_count)));
    }
    if (Rounds(category.mmap_reserved)) {
      AppendLine(absl::StrCat(
          has_threads ? "stack: " : "mmap: ",
          ReservedCommitted(category.mmap_reserved, category.mmap_committed)));
    }
    AppendLine(
        absl::StrCat("resident=", Bytes(category.resident),
                     category.resident_is_estimate ? ", estimated" : ""));
    if (options_.peaks) {
      AppendLine(
          absl::StrCat("peak committed=", Round(category.peak_committed_bytes),
                       options_.scale.unit));
    }
    text_.push_back('\n');
  }

  void AppendDetails() {
    const size_t begin = text_.size();
    for (const NmtDetail& detail : report_.details) {
      if (!Rounds(detail.bytes)) continue;
      absl::StrAppendFormat(&text_, "%27s (%s=%s)\n", detail.category,
                            Printable(detail.name), Bytes(detail.bytes));
    }
    if (const uint64_t bytes = Round(report_.tracking_overhead_bytes)) {
      AppendLine(
          absl::StrCat("tracking overhead=", bytes, options_.scale.unit));
    }
    if (text_.size() == begin) return;
    text_.insert(begin, "Pool detail:\n\n");
    text_.push_back('\n');
  }

  void AppendLargestUnknown() {
    const size_t begin = text_.size();
    for (const OwnedMapping& mapping : report_.largest_unknown) {
      const uint64_t resident = Round(mapping.resident_bytes);
      if (resident == 0) continue;
      absl::StrAppendFormat(&text_, "    0x%016x - 0x%016x %s resident=%d%s %s",
                            mapping.start, mapping.end, mapping.permissions,
                            resident, options_.scale.unit,
                            Printable(mapping.name));
      absl::StripTrailingAsciiWhitespace(&text_);
      text_.push_back('\n');
    }
    if (text_.size() == begin) return;
    text_.insert(begin, "Largest mappings of no known owner:\n\n");
    text_.push_back('\n');
  }

  void AppendMappings() {
    absl::StrAppend(&text_, "Virtual memory map:\n\n");
    for (const NmtMapping& each : report_.mappings) {
      const OwnedMapping& mapping = each.mapping;
      absl::StrAppendFormat(
          &text_, "[0x%016x - 0x%016x] reserved %s for %s from\n",
          mapping.start, mapping.end, Bytes(each.reserved), mapping.category);
      absl::StrAppend(&text_, "    ", mapping.permissions,
                      " resident=", Bytes(each.resident));
      if (!mapping.name.empty()) {
        absl::StrAppend(&text_, " ", Printable(mapping.name));
      }
      if (!mapping.detail.empty()) {
        absl::StrAppend(&text_, " (", Printable(mapping.detail), ")");
      }
      text_.push_back('\n');
    }
    text_.push_back('\n');
  }

  void AppendCallSites() {
    absl::StrAppend(&text_, "Details:\n\n");
    for (const NmtCallSite& site : report_.call_sites) {
      if (!Rounds(site.malloc_bytes)) continue;
      for (const std::string& frame : site.frames) {
        absl::StrAppend(&text_, "    ", Printable(frame), "\n");
      }
      AppendLine(absl::StrCat("malloc=", Bytes(site.malloc_bytes), " type=",
                              site.category, " ", Count(site.malloc_count)));
      text_.push_back('\n');
    }
  }

  const NmtReport& report_;
  const NmtTextOptions& options_;
  std::string text_;
};

}  // namespace

std::string NmtReportText(const NmtReport& report,
                          const NmtTextOptions& options) {
  return TextReport(report, options).Make();
}

}  // namespace poolscope
