// NmtReport: the values of one report on native memory, beside those of the
// baseline that it is compared with.
//
//   NativeMemoryStats now --------+
//   NativeMemoryStats baseline ---+--> NmtReport --> NmtReportText()
//                                               \--> EmitNmtReport(), JSON
//
// Both forms are made from these values alone. A category, mapping or row that
// is on one side only has zero on the other: it is new, or gone.
//
// Thread safety: thread-safe; functions work on the values given.
#ifndef POOLSCOPE_METRICS_NATIVE_MEMORY_NMT_REPORT_H_
#define POOLSCOPE_METRICS_NATIVE_MEMORY_NMT_REPORT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "poolscope/metrics/native_memory/native_memory_stats.h"
#include "poolscope/metrics/native_memory/nmt_view.h"
#include "poolscope/metrics/report_emitter.h"

namespace poolscope {

// A value now and in the baseline; the latter is 0 without one.
struct NmtFigure {
  uint64_t now = 0;
  uint64_t early = 0;

  uint64_t larger() const { return now > early ? now : early; }
};

// A category, or the total of all.
struct NmtCategory {
  std::string name;
  NmtFigure reserved;
  NmtFigure committed;
  NmtFigure resident;
  NmtFigure malloc_bytes;
  NmtFigure malloc_count;
  NmtFigure mmap_reserved;
  NmtFigure mmap_committed;
  NmtFigure live_count;
  NmtFigure threads;
  uint64_t peak_committed_bytes = 0;
  bool resident_is_estimate = false;
};

struct NmtDetail {
  std::string category;
  std::string name;
  NmtFigure bytes;
};

struct NmtMapping {
  OwnedMapping mapping;  // as it is now, or was last
  NmtFigure reserved;
  NmtFigure resident;
};

struct NmtCallSite {
  std::string category;
  std::vector<std::string> frames;
  NmtFigure malloc_bytes;
  NmtFigure malloc_count;
};

struct NmtReport {
  NmtView view = NmtView::kSummary;
  uint64_t walk_id = 0;
  uint64_t baseline_walk_id = 0;
  int64_t walked_at_unix_nanos = 0;
  double walk_seconds = 0;
  uint64_t mapping_count = 0;
  uint64_t tracking_overhead_bytes = 0;

  NmtCategory total;  // sums over the categories; has no peak
  std::vector<NmtCategory> categories;
  std::vector<NmtDetail> details;
  std::vector<OwnedMapping> largest_unknown;  // as it is now
  // Of the detailed views; compared with a baseline, those that changed.
  std::vector<NmtMapping> mappings;
  std::vector<NmtCallSite> call_sites;
};

// `baseline` is not null where `view` compares, and ignored elsewhere.
NmtReport MakeNmtReport(const NativeMemoryStats& now,
                        const NativeMemoryStats* baseline, NmtView view);

struct NmtTextOptions {
  NmtScale scale;
  // Peaks have a line of their own in each category. JVMs up to 21 print none.
  bool peaks = false;
};

// As `jcmd PID VM.native_memory` prints it, for the tools that read that: a
// category whose reserved bytes round to zero is left out. Lines a JVM does not
// have (residency, peaks, pool detail) are such as no known tool takes for one
// of those it looks for; names cannot imitate them.
std::string NmtReportText(const NmtReport& report,
                          const NmtTextOptions& options);

// The same with every category and exact bytes.
void EmitNmtReport(const NmtReport& report, ReportEmitter& emitter);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_NATIVE_MEMORY_NMT_REPORT_H_
