// LeakSource: where the figures and reports of one leak detector come from.
//
// Functions and values only: metrics does not know the detector.
#ifndef POOLSCOPE_METRICS_LEAK_SOURCE_H_
#define POOLSCOPE_METRICS_LEAK_SOURCE_H_

#include <cstddef>
#include <functional>
#include <vector>

#include "poolscope/allocator/leak/leak_level.h"
#include "poolscope/allocator/leak/leak_report.h"
#include "poolscope/allocator/leak/leak_stats.h"
#include "poolscope/allocator/leak/live_allocations.h"

namespace poolscope {

// Each may be called from any thread, as long as somebody holds a copy, and
// must not call back into the registry.
struct LeakSource {
  std::function<LeakStats()> stats;
  std::function<std::vector<LeakReport>()> reports;
  std::function<void(LeakLevel)> set_level;
  std::function<LiveAllocations()> live;
};

// What one detector has to say, at most kMaxLeakReports of it: the symbols of a
// report take milliseconds to look up.
inline constexpr size_t kMaxLeakReports = 100;
struct LeakFindings {
  LeakStats stats;
  std::vector<LeakReport> reports;  // those that lost most bytes first
  size_t omitted_reports = 0;       // of fewer bytes
};

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_LEAK_SOURCE_H_
