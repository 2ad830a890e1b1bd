#include "poolscope/metrics/leak_page.h"

#include "absl/strings/str_format.h"
#include "poolscope/allocator/leak/leak_report.h"

namespace poolscope {
namespace {

const char* Plural(uint64_t count) { return count == 1 ? "" : "s"; }

std::string CountsText(const LeakStats& stats, LeakVerdict verdict) {
  const uint64_t leaks = stats.leaks[static_cast<int>(verdict)];
  const uint64_t reports = stats.reports[static_cast<int>(verdict)];
  return absl::StrFormat("%s: %d block%s in %d report%s",
                         LeakVerdictName(verdict), leaks, Plural(leaks),
                         reports, Plural(reports));
}

void EmitRecord(const LeakRecordText& record, ReportEmitter& emitter) {
  emitter.Field("hint", record.hint);
  emitter.BeginTable("stack");
  for (const std::string& frame : record.frames) {
    emitter.BeginRow();
    emitter.Field("frame", frame);
    emitter.EndRow();
  }
  emitter.EndTable();
}

void EmitReport(const LeakReport& report, ReportEmitter& emitter) {
  const LeakDescription description = DescribeLeak(report);
  emitter.BeginObject("");
  emitter.Field("verdict", LeakVerdictName(VerdictOf(report.cause)));
  emitter.Field("cause", LeakCauseText(report.cause));
  emitter.Field("blocks", report.count);
  emitter.Field("live_blocks", report.live);
  emitter.Field("requested_bytes", report.requested_bytes);
  emitter.Field("estimated_blocks", report.estimated_count);
  emitter.Field("estimated_bytes", report.estimated_bytes);
  emitter.BeginObject("first");
  emitter.Field("id", report.id);
  emitter.Field("address", absl::StrFormat("0x%012x", report.address));
  emitter.Field("requested_bytes", uint64_t{report.first_requested_bytes});
  emitter.Field("class_bytes", uint64_t{report.first_class_bytes});
  emitter.Field("age_seconds", report.first_age_seconds);
  emitter.EndObject();
  emitter.BeginArray("accesses");
  for (const LeakRecordText& access : description.accesses) {
    emitter.BeginObject("");
    EmitRecord(access, emitter);
    emitter.EndObject();
  }
  emitter.EndArray();
  emitter.BeginObject("creation");
  EmitRecord(description.creation, emitter);
  emitter.EndObject();
  emitter.Field("duplicate_accesses", description.duplicate_accesses);
  emitter.Field("dropped_accesses", report.dropped_accesses);
  emitter.EndObject();
}

}  // namespace

std::string LeakPageText(absl::Span<const LeakFindings> detectors) {
  std::string text;
  if (detectors.empty()) text = "no leak detector is registered\n";
  for (const LeakFindings& detector : detectors) {
    const LeakStats& stats = detector.stats;
    absl::StrAppendFormat(
        &text, "%sallocator %s: level %s, %d block%s tracked\n  %s; %s\n",
        text.empty() ? "" : "\n", stats.allocator, LeakLevelName(stats.level),
        stats.tracked, Plural(stats.tracked),
        CountsText(stats, LeakVerdict::kLeaked),
        CountsText(stats, LeakVerdict::kSuspect));
    if (stats.dropped_blocks + stats.dropped_stacks + stats.dropped_accesses >
        0) {
      absl::StrAppendFormat(
          &text, "  no room for: %d blocks, %d stacks, %d accesses\n",
          stats.dropped_blocks, stats.dropped_stacks, stats.dropped_accesses);
    }
    for (const LeakReport& report : detector.reports) {
      text.push_back('\n');
      text.append(LeakText(report));
    }
    if (detector.omitted_reports > 0) {
      absl::StrAppendFormat(&text, "\n(and %d report%s of fewer bytes)\n",
                            detector.omitted_reports,
                            Plural(detector.omitted_reports));
    }
  }
  return text;
}

void EmitLeakPage(absl::Span<const LeakFindings> detectors,
                  ReportEmitter& emitter) {
  emitter.BeginObject("");
  emitter.BeginArray("detectors");
  for (const LeakFindings& detector : detectors) {
    const LeakStats& stats = detector.stats;
    emitter.BeginObject("");
    emitter.Field("allocator", stats.allocator);
    emitter.Field("level", LeakLevelName(stats.level));
    emitter.Field("tracked_buffers", stats.tracked);
    emitter.Field("sampling_ratio", stats.sampling_ratio);
    emitter.BeginTable("verdicts");
    for (int v = 0; v < kLeakVerdictCount; ++v) {
      emitter.BeginRow();
      emitter.Field("verdict", LeakVerdictName(static_cast<LeakVerdict>(v)));
      emitter.Field("leaks_total", stats.leaks[v]);
      emitter.Field("reports_total", stats.reports[v]);
      emitter.EndRow();
    }
    emitter.EndTable();
    emitter.Field("dropped_blocks", stats.dropped_blocks);
    emitter.Field("dropped_stacks", stats.dropped_stacks);
    emitter.Field("dropped_accesses", stats.dropped_accesses);
    emitter.Field("call_sites", stats.call_sites);
    emitter.Field("overhead_bytes", stats.overhead_bytes);
    emitter.BeginArray("reports");
    for (const LeakReport& report : detector.reports) {
      EmitReport(report, emitter);
    }
    emitter.EndArray();
    emitter.Field("omitted_reports", uint64_t{detector.omitted_reports});
    emitter.EndObject();
  }
  emitter.EndArray();
  emitter.EndObject();
}

}  // namespace poolscope
