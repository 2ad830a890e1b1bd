#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "poolscope/metrics/native_memory/nmt_report.h"

namespace poolscope {
namespace {

class JsonReport {
 public:
  JsonReport(const NmtReport& report, ReportEmitter* emitter)
      : report_(report), emitter_(*emitter) {}

  void Emit() {
    emitter_.BeginObject("");
    emitter_.Field("view", NmtViewName(report_.view));
    emitter_.Field("walk_id", report_.walk_id);
    if (IsDiff(report_.view)) {
      emitter_.Field("baseline_walk_id", report_.baseline_walk_id);
    }
    emitter_.Field("walked_at_unix_nanos", report_.walked_at_unix_nanos);
    emitter_.Field("walk_seconds", report_.walk_seconds);
    emitter_.Field("mapping_count", report_.mapping_count);
    emitter_.Field("tracking_overhead_bytes", report_.tracking_overhead_bytes);
    emitter_.BeginObject("total");
    EmitSums(report_.total);
    emitter_.EndObject();
    EmitTable(
        "categories", report_.categories, [&](const NmtCategory& category) {
          emitter_.Field("category", category.name);
          EmitSums(category);
          emitter_.Field("resident_is_estimate", category.resident_is_estimate);
          emitter_.Field("peak_committed_bytes", category.peak_committed_bytes);
        });
    EmitTable("details", report_.details, [&](const NmtDetail& detail) {
      emitter_.Field("category", detail.category);
      emitter_.Field("name", detail.name);
      EmitFigure("", "bytes", detail.bytes);
    });
    EmitTable("largest_unknown", report_.largest_unknown,
              [&](const OwnedMapping& mapping) {
                EmitMapping(mapping);
                emitter_.Field("reserved_bytes", mapping.end - mapping.start);
                emitter_.Field("resident_bytes", mapping.resident_bytes);
              });
    if (IsDetail(report_.view)) {
      EmitMappings();
      EmitCallSites();
    }
    emitter_.EndObject();
  }

 private:
  template <typename Entry, typename EmitRow>
  void EmitTable(absl::string_view key, const std::vector<Entry>& entries,
                 EmitRow emit_row) {
    emitter_.BeginTable(key);
    for (const Entry& entry : entries) {
      emitter_.BeginRow();
      emit_row(entry);
      emitter_.EndRow();
    }
    emitter_.EndTable();
  }

  // "committed_bytes", and in a comparison "committed_change_bytes".
  void EmitFigure(absl::string_view name, absl::string_view unit,
                  const NmtFigure& figure) {
    const absl::string_view separator = name.empty() ? "" : "_";
    emitter_.Field(absl::StrCat(name, separator, unit), figure.now);
    if (!IsDiff(report_.view)) return;
    emitter_.Field(absl::StrCat(name, separator, "change_", unit),
                   static_cast<int64_t>(figure.now - figure.early));
  }

  void EmitSums(const NmtCategory& category) {
    EmitFigure("reserved", "bytes", category.reserved);
    EmitFigure("committed", "bytes", category.committed);
    EmitFigure("resident", "bytes", category.resident);
    EmitFigure("malloc", "bytes", category.malloc_bytes);
    EmitFigure("malloc", "count", category.malloc_count);
    EmitFigure("mmap_reserved", "bytes", category.mmap_reserved);
    EmitFigure("mmap_committed", "bytes", category.mmap_committed);
    EmitFigure("live", "count", category.live_count);
    EmitFigure("thread", "count", category.threads);
  }

  void EmitMapping(const OwnedMapping& mapping) {
    // Addresses may be beyond what JSON's readers keep of a number.
    emitter_.Field("start", absl::StrFormat("0x%x", mapping.start));
    emitter_.Field("end", absl::StrFormat("0x%x", mapping.end));
    emitter_.Field("permissions", mapping.permissions);
    emitter_.Field("name", mapping.name);
    emitter_.Field("category", mapping.category);
    emitter_.Field("detail", mapping.detail);
  }

  void EmitMappings() {
    EmitTable("mappings", report_.mappings, [&](const NmtMapping& each) {
      EmitMapping(each.mapping);
      EmitFigure("reserved", "bytes", each.reserved);
      EmitFigure("resident", "bytes", each.resident);
    });
  }

  void EmitCallSites() {
    emitter_.BeginArray("call_sites");
    for (const NmtCallSite& site : report_.call_sites) {
      emitter_.BeginObject("");
      emitter_.Field("category", site.category);
      EmitFigure("malloc", "bytes", site.malloc_bytes);
      EmitFigure("malloc", "count", site.malloc_count);
      EmitTable("frames", site.frames, [&](const std::string& frame) {
        emitter_.Field("frame", frame);
      });
      emitter_.EndObject();
    }
    emitter_.EndArray();
  }

  const NmtReport& report_;
  ReportEmitter& emitter_;
};

}  // namespace

void EmitNmtReport(const NmtReport& report, ReportEmitter& emitter) {
  JsonReport(report, &emitter).Emit();
}

}  // namespace poolscope
