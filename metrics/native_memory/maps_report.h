// The report on mappings: each with its owner and what of it is resident, one
// page of them at a time, in two forms.
//
//   walk_id, walked_at_unix_seconds, walk_seconds
//   resident_bytes                  of all mappings
//   mappings, offset, shown         how many there are, and which of them
//   follow table: address, bytes, permissions, resident_bytes, owner, detail,
//   name
//
// A mapping that the kernel merged from several owners' is shown in its parts.
//
// Thread safety: thread-safe; it works on the values given.
#ifndef POOLSCOPE_METRICS_NATIVE_MEMORY_MAPS_REPORT_H_
#define POOLSCOPE_METRICS_NATIVE_MEMORY_MAPS_REPORT_H_

#include <cstddef>

#include "poolscope/metrics/native_memory/native_memory_stats.h"
#include "poolscope/metrics/report_emitter.h"

namespace poolscope {

struct MapsPage {
  enum class Order {
    kResident,  // the largest first
    kAddress,
  };
  static constexpr size_t kMostShown = 10000;

  Order order = Order::kResident;
  size_t offset = 0;
  size_t limit = 1000;  // up to kMostShown
};

// `stats` taken with their mappings.
void EmitMapsReport(const NativeMemoryStats& stats, const MapsPage& page,
                    ReportEmitter& emitter);

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_NATIVE_MEMORY_MAPS_REPORT_H_
