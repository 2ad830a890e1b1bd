// LeakStats: one leak detector's figures, plain values taken at once.
#ifndef POOLSCOPE_ALLOCATOR_LEAK_LEAK_STATS_H_
#define POOLSCOPE_ALLOCATOR_LEAK_LEAK_STATS_H_

#include <array>
#include <cstdint>
#include <string>

#include "poolscope/allocator/leak/leak_level.h"
#include "poolscope/allocator/leak/leak_report.h"

namespace poolscope {

struct LeakStats {
  std::string allocator;
  LeakLevel level = LeakLevel::kDisabled;

  // By verdict. Every block that was judged so, and the different reports that
  // these were gathered into, by creation stack and cause. A suspect that is
  // alive when its allocator closes is counted under both.
  std::array<uint64_t, kLeakVerdictCount> leaks = {};
  std::array<uint64_t, kLeakVerdictCount> reports = {};

  uint64_t tracked = 0;  // blocks that have a record now
  // Share of allocations that the detector was told of since the level last
  // changed, 0 to 1; 0 when there was none.
  double sampling_ratio = 0;

  // What did not fit; never silent.
  uint64_t dropped_blocks = 0;    // more alive than max_tracked
  uint64_t dropped_stacks = 0;    // of blocks, more than max_call_sites
  uint64_t dropped_accesses = 0;  // over max_access_bytes, not by the back-off

  uint64_t call_sites = 0;
  uint64_t overhead_bytes = 0;  // of records, stacks and reports
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_LEAK_LEAK_STATS_H_
