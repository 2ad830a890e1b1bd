#include "poolscope/metrics/native_memory_monitor.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "poolscope/metrics/call_site.h"
#include "poolscope/metrics/native_memory/native_memory_category.h"
#include "poolscope/metrics/native_memory/native_memory_tag.h"
#include "poolscope/metrics/native_memory/tagged_bytes.h"
#include "poolscope/metrics/pool_call_sites.h"
#include "poolscope/metrics/pool_details.h"
#include "poolscope/metrics/process/malloc_figures.h"
#include "poolscope/metrics/process/malloc_library.h"
#include "poolscope/metrics/process/process_memory.h"

namespace poolscope {
namespace {

MemoryWalkOptions WalkOptions(const NativeMemoryMonitorOptions& options) {
  MemoryWalkOptions result;
  result.proc_root = options.proc_root;
  result.pool_ranges = options.pool_ranges;
  result.malloc_is_glibc = [] {
    return TheMalloc().kind == MallocKind::kGlibc;
  };
  return result;
}

uint64_t ResidentBytes(const std::string& proc_root) {
  const absl::StatusOr<ProcessMemory> memory = ReadProcessMemory(proc_root);
  return memory.ok() ? memory->resident_bytes : 0;
}

}  // namespace

NativeMemoryMonitor::NativeMemoryMonitor(NativeMemoryMonitorOptions options,
                                         const MetricRegistry* registry)
    : sidecar_bytes_(std::move(options.sidecar_bytes)),
      read_malloc_(std::move(options.read_malloc)),
      clock_(options.walker.clock),
      registry_(registry),
      walk_(WalkOptions(options)),
      walker_(
          [this](MemoryWalk::Detail detail, absl::Duration budget) {
            return WalkAndMerge(detail, budget);
          },
          [proc_root = options.proc_root] { return ResidentBytes(proc_root); },
          options.walker) {}

void NativeMemoryMonitor::AskMalloc() {
  const int64_t now = clock_->NowNanos();
  if (now < malloc_due_nanos_) return;
  const int64_t start = PreciseNanos();
  const absl::StatusOr<MallocFigures> figures = read_malloc_();
  malloc_ = figures.ok() ? *figures : MallocFigures();
  malloc_due_nanos_ = now + kMallocCostFactor * (PreciseNanos() - start);
}

absl::StatusOr<NativeMemoryStats> NativeMemoryMonitor::WalkAndMerge(
    MemoryWalk::Detail detail, absl::Duration budget) {
  absl::StatusOr<NativeMemoryStats> stats = walk_.Take(detail, budget);
  if (!stats.ok()) return stats;
  AskMalloc();
  MergeMallocMapped(malloc_, *stats);
  MergeMallocInUse(malloc_, *stats);
  NativeMemoryTag sidecar;
  sidecar.name = "Sidecar";
  if (sidecar_bytes_ != nullptr) sidecar.malloc_bytes = sidecar_bytes_();
  std::vector<NativeMemoryTag> tags = NativeMemoryCategory::Snapshot();
  tags.insert(tags.begin(), std::move(sidecar));
  MergeTags(tags, *stats);
  for (NativeMemoryCategoryStats& category : stats->categories) {
    uint64_t& peak = peak_committed_bytes_[category.name];
    peak = std::max(
        {peak, category.peak_committed_bytes, category.committed_bytes()});
    category.peak_committed_bytes = peak;
  }
  stats->details =
      PoolDetails(registry_->Snapshots(/*name=*/"", /*detailed=*/false),
                  registry_->Channels());
  stats->tracking_overhead_bytes = NativeMemoryCategory::OverheadBytes();
  return stats;
}

absl::StatusOr<NativeMemoryStats> NativeMemoryMonitor::Read(bool detailed) {
  const absl::StatusOr<BackgroundWalker::Stats> walked =
      Walk(detailed ? MemoryWalk::Detail::kMappings
                    : MemoryWalk::Detail::kCategories);
  if (!walked.ok()) return walked.status();
  NativeMemoryStats stats = **walked;
  if (!detailed) {
    stats.mappings.clear();  // of a walk that was shared with another
    return stats;
  }
  stats.call_sites = PoolCallSites(
      registry_->Live(/*name=*/""),
      registry_->Snapshots(/*name=*/"", /*detailed=*/false), FunctionAt);
  return stats;
}

}  // namespace poolscope
