#include "poolscope/metrics/malloc_collector.h"

#include <cstdint>
#include <optional>

#include "poolscope/metrics/metric_names.h"
#include "poolscope/metrics/process/malloc_library.h"

namespace poolscope {

void CollectMalloc(const MallocFigures& malloc, MetricWriter& writer) {
  if (malloc.kind == MallocKind::kGlibc && malloc.arenas.has_value()) {
    writer.BeginFamily(Describe(Metric::kGlibcArenas));
    writer.WriteSample({}, *malloc.arenas);
    writer.EndFamily();
  }
  writer.BeginFamily(Describe(Metric::kMallocInfo));
  writer.WriteSample({{"implementation", MallocKindName(malloc.kind)}},
                     uint64_t{1});
  writer.EndFamily();
  // Of a malloc that is not known there is nothing to say.
  if (!malloc.mapped_bytes.has_value()) return;
  writer.BeginFamily(Describe(Metric::kMallocBytes));
  const auto write = [&](absl::string_view state,
                         const std::optional<uint64_t>& bytes) {
    if (bytes.has_value()) writer.WriteSample({{"state", state}}, *bytes);
  };
  write("in_use", malloc.in_use_bytes);
  write("free", malloc.free_bytes);
  write("mapped", malloc.mapped_bytes);
  writer.EndFamily();
}

}  // namespace poolscope
