#include "poolscope/metrics/native_memory/maps_report.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/strings/str_format.h"

namespace poolscope {
namespace {

// In the order asked for; that of `stats` is of addresses.
std::vector<const OwnedMapping*> Ordered(const NativeMemoryStats& stats,
                                         MapsPage::Order order) {
  std::vector<const OwnedMapping*> mappings;
  mappings.reserve(stats.mappings.size());
  for (const OwnedMapping& mapping : stats.mappings) {
    mappings.push_back(&mapping);
  }
  if (order == MapsPage::Order::kResident) {
    std::stable_sort(mappings.begin(), mappings.end(),
                     [](const OwnedMapping* a, const OwnedMapping* b) {
                       return a->resident_bytes > b->resident_bytes;
                     });
  }
  return mappings;
}

}  // namespace

void EmitMapsReport(const NativeMemoryStats& stats, const MapsPage& page,
                    ReportEmitter& emitter) {
  const std::vector<const OwnedMapping*> mappings = Ordered(stats, page.order);
  const size_t begin = std::min(page.offset, mappings.size());
  const size_t shown = std::min(page.limit, mappings.size() - begin);
  emitter.BeginObject("");
  emitter.Field("walk_id", stats.walk_id);
  emitter.Field("walked_at_unix_seconds", 1e-9 * stats.walked_at_unix_nanos);
  emitter.Field("walk_seconds", stats.walk_seconds);
  emitter.Field("resident_bytes", stats.resident_bytes);
  emitter.Field("mappings", uint64_t{mappings.size()});
  emitter.Field("offset", uint64_t{begin});
  emitter.Field("shown", uint64_t{shown});
  emitter.BeginTable("maps");
  for (size_t i = begin; i < begin + shown; ++i) {
    const OwnedMapping& mapping = *mappings[i];
    emitter.BeginRow();
    // As text: readers of JSON hold numbers above 2^53 inexactly.
    emitter.Field("address", absl::StrFormat("0x%012x", mapping.start));
    emitter.Field("bytes", mapping.end - mapping.start);
    emitter.Field("permissions", mapping.permissions);
    emitter.Field("resident_bytes", mapping.resident_bytes);
    emitter.Field("owner", mapping.category);
    emitter.Field("detail", mapping.detail);
    emitter.Field("name", mapping.name);
    emitter.EndRow();
  }
  emitter.EndTable();
  emitter.EndObject();
}

}  // namespace poolscope
