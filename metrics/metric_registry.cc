#include "poolscope/metrics/metric_registry.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "poolscope/metrics/arena_collector.h"
#include "poolscope/metrics/build_info.h"
#include "poolscope/metrics/chunk_collector.h"
#include "poolscope/metrics/collectable_families.h"
#include "poolscope/metrics/foreign_families.h"
#include "poolscope/metrics/leak_collector.h"
#include "poolscope/metrics/limits_collector.h"
#include "poolscope/metrics/lock_collector.h"
#include "poolscope/metrics/malloc_collector.h"
#include "poolscope/metrics/memory_collector.h"
#include "poolscope/metrics/merging_writer.h"
#include "poolscope/metrics/metric_names.h"
#include "poolscope/metrics/native_memory_collector.h"
#include "poolscope/metrics/outbound_collector.h"
#include "poolscope/metrics/process/process_memory.h"
#include "poolscope/metrics/process/process_start.h"
#include "poolscope/metrics/self_collector.h"
#include "poolscope/metrics/size_class_collector.h"
#include "poolscope/metrics/thread_cache_collector.h"
#include "poolscope/metrics/trim_collector.h"
#include "prometheus/metric_family.h"

namespace poolscope {
namespace {

using SteadyClock = std::chrono::steady_clock;

double SecondsSince(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

}  // namespace

MetricRegistry::MetricRegistry(MetricRegistryOptions options)
    : options_(std::move(options)) {
  const absl::StatusOr<double> start =
      ReadProcessStartSeconds(options_.proc_root);
  if (start.ok()) process_start_seconds_ = *start;
}

MetricRegistry::~MetricRegistry() = default;

absl::Status MetricRegistry::AddAllocator(absl::string_view name,
                                          StatsFunction stats) {
  auto source = std::make_shared<Source>(name, std::move(stats));
  MutexLock lock(&mutex_);
  for (const std::shared_ptr<Source>& other : sources_) {
    if (other->name == name) {
      return absl::AlreadyExistsError(
          absl::StrCat("an allocator named \"", name,
                       "\" is registered already; give each its own "
                       "PoolOptions::name"));
    }
  }
  sources_.push_back(std::move(source));
  return absl::OkStatus();
}

void MetricRegistry::RemoveAllocator(absl::string_view name) {
  std::shared_ptr<Source> removed;
  {
    MutexLock lock(&mutex_);
    const auto found = std::find_if(
        sources_.begin(), sources_.end(),
        [name](const auto& source) { return source->name == name; });
    if (found == sources_.end()) return;
    removed = *found;
    sources_.erase(found);
  }
  removed->stats.Remove();
}

absl::Status MetricRegistry::AddChannels(ChannelSource source) {
  if (channels_.Set(std::move(source))) return absl::OkStatus();
  return absl::AlreadyExistsError(
      "a registry of channels is registered already; use it for all channels, "
      "in several groups");
}

absl::Status MetricRegistry::AddGovernor(GovernorFunction stats) {
  if (governor_.Set(std::move(stats))) return absl::OkStatus();
  return absl::AlreadyExistsError(
      "a memory governor is registered already; one is for all channels");
}

void MetricRegistry::AddLeakDetector(absl::string_view name,
                                     LeakSource source) {
  RemoveLeakDetector(name);
  MutexLock lock(&mutex_);
  leak_sources_.emplace_back(std::string(name), std::move(source));
}

void MetricRegistry::RemoveLeakDetector(absl::string_view name) {
  MutexLock lock(&mutex_);
  leak_sources_.erase(
      std::remove_if(leak_sources_.begin(), leak_sources_.end(),
                     [name](const auto& other) { return other.first == name; }),
      leak_sources_.end());
}

std::vector<std::pair<std::string, LeakSource>> MetricRegistry::LeakSources(
    absl::string_view name) const {
  std::vector<std::pair<std::string, LeakSource>> sources;
  MutexLock lock(&mutex_);
  for (const auto& source : leak_sources_) {
    if (name.empty() || source.first == name) sources.push_back(source);
  }
  return sources;
}

std::vector<LeakFindings> MetricRegistry::Leaks(absl::string_view name) const {
  std::vector<LeakFindings> findings;
  for (const auto& [allocator, source] : LeakSources(name)) {
    LeakFindings& found = findings.emplace_back();
    // First, as it looks for more.
    found.reports = source.reports();
    if (found.reports.size() > kMaxLeakReports) {
      found.omitted_reports = found.reports.size() - kMaxLeakReports;
      found.reports.resize(kMaxLeakReports);
    }
    for (auto& report : found.reports) report.allocator = allocator;
    found.stats = source.stats();
    found.stats.allocator = allocator;
  }
  return findings;
}

std::vector<LiveBlocks> MetricRegistry::Live(absl::string_view name) const {
  std::vector<LiveBlocks> allocators;
  {
    MutexLock lock(&mutex_);
    for (const std::shared_ptr<Source>& source : sources_) {
      if (!name.empty() && source->name != name) continue;
      allocators.emplace_back().allocator = source->name;
    }
  }
  for (const auto& [allocator, source] : LeakSources(name)) {
    for (LiveBlocks& blocks : allocators) {
      if (blocks.allocator != allocator) continue;
      blocks.recording = source.stats().level == LeakLevel::kDisabled
                             ? LiveBlocks::Recording::kDisabled
                             : LiveBlocks::Recording::kOn;
      blocks.live = source.live();
    }
  }
  return allocators;
}

void MetricRegistry::AddCollectable(
    std::weak_ptr<prometheus::Collectable> collectable) {
  MutexLock lock(&mutex_);
  collectables_.push_back(std::move(collectable));
}

void MetricRegistry::RemoveCollectable(
    const std::shared_ptr<prometheus::Collectable>& collectable) {
  MutexLock lock(&mutex_);
  collectables_.erase(std::remove_if(collectables_.begin(), collectables_.end(),
                                     [&](const auto& other) {
                                       return other.lock() == collectable;
                                     }),
                      collectables_.end());
}

size_t MetricRegistry::allocator_count() const {
  MutexLock lock(&mutex_);
  return sources_.size();
}

size_t MetricRegistry::collectable_count() const {
  MutexLock lock(&mutex_);
  return std::count_if(collectables_.begin(), collectables_.end(),
                       [](const auto& weak) { return !weak.expired(); });
}

std::vector<AllocatorStats> MetricRegistry::Snapshots(absl::string_view name,
                                                      bool detailed) const {
  std::vector<std::shared_ptr<Source>> sources;
  {
    MutexLock lock(&mutex_);
    sources = sources_;
  }
  std::vector<AllocatorStats> snapshots;
  snapshots.reserve(sources.size());
  for (const std::shared_ptr<Source>& source : sources) {
    if (!name.empty() && source->name != name) continue;
    source->stats.With([&](const StatsFunction& stats) {
      snapshots.push_back(stats(detailed));
      snapshots.back().name = source->name;
    });
  }
  return snapshots;
}

std::optional<OutboundStats> MetricRegistry::Channels() const {
  std::optional<OutboundStats> stats;
  channels_.With([&](const ChannelSource& source) { stats = source.stats(); });
  return stats;
}

std::vector<PoolRange> MetricRegistry::ChannelRanges() const {
  std::vector<PoolRange> ranges;
  channels_.With([&](const ChannelSource& source) {
    if (source.ranges != nullptr) ranges = source.ranges();
  });
  return ranges;
}

std::vector<ChannelStats> MetricRegistry::TopChannels(size_t count) const {
  std::vector<ChannelStats> top;
  channels_.With([&](const ChannelSource& source) { top = source.top(count); });
  return top;
}

std::vector<std::weak_ptr<prometheus::Collectable>>
MetricRegistry::Collectables() {
  MutexLock lock(&mutex_);
  collectables_.erase(
      std::remove_if(collectables_.begin(), collectables_.end(),
                     [](const auto& weak) { return weak.expired(); }),
      collectables_.end());
  return collectables_;
}

void MetricRegistry::CollectBackground(
    const std::vector<AllocatorStats>& snapshots, SelfStats& self,
    MetricWriter& writer) const {
  std::optional<ProcessFigures> figures;
  if (options_.process_figures != nullptr) figures = options_.process_figures();
  if (!figures.has_value()) {
    CollectLimits(snapshots, ProcessFigures(), writer);
    return;
  }
  if (figures->malloc_figures.has_value()) {
    CollectMalloc(*figures->malloc_figures, writer);
  }
  CollectLimits(snapshots, *figures, writer);
  const auto add = [&](absl::string_view collector, const SampleRun& run) {
    self.runs.push_back(
        {collector, run.success, run.duration_seconds, run.age_seconds});
  };
  add("limits", figures->limits);
  add("malloc", figures->malloc);
}

void MetricRegistry::CollectWalk(SelfStats& self, MetricWriter& writer) const {
  const LastMemoryWalk last = options_.native_memory();
  CollectNativeMemory(*last.stats, writer);
  self.native_memory_bytes = last.stats->tracking_overhead_bytes;
  if (last.stats->walk_id == 0 && last.latest.ok()) return;  // none yet
  self.runs.push_back({"native_memory", last.latest.ok(),
                       last.stats->walk_seconds, last.age_seconds});
}

void MetricRegistry::Collect(MetricWriter& writer) {
  Collect(AskCollectables(Collectables()), writer);
}

void MetricRegistry::Collect(CollectableFamilies foreign,
                             MetricWriter& writer) {
  ForeignFamilies checked(&dropped_);
  checked.Add(std::move(foreign.families));
  dropped_.Add(DropReason::kCollectFailed, foreign.failures);
  MergingWriter merged(checked, &dropped_, &writer);
  const SteadyClock::time_point start = SteadyClock::now();
  SelfStats self;
  self.build = GetBuildInfo();
  std::vector<SteadyClock::time_point> taken;  // of each of self.runs
  const auto ran = [&](absl::string_view collector, bool success,
                       SteadyClock::time_point start,
                       SteadyClock::time_point values_taken) {
    self.runs.push_back({collector, success, SecondsSince(start), 0});
    taken.push_back(values_taken);
  };

  const SteadyClock::time_point pool_start = SteadyClock::now();
  const std::vector<AllocatorStats> snapshots =
      Snapshots(/*name=*/"", /*detailed=*/false);
  const SteadyClock::time_point pool_taken = SteadyClock::now();
  if (!snapshots.empty()) {
    CollectArenas(snapshots, merged);
    CollectChunks(snapshots, merged);
    CollectMemory(snapshots, merged);
    CollectSizeClasses(snapshots, merged);
    CollectThreadCaches(snapshots, merged);
    CollectLocks(snapshots, merged);
    std::vector<LeakStats> leaks;
    for (const auto& [allocator, source] : LeakSources(/*name=*/"")) {
      leaks.push_back(source.stats());
      leaks.back().allocator = allocator;
      self.leak_bytes += leaks.back().overhead_bytes;
    }
    CollectLeaks(leaks, merged);
    ran("pool", true, pool_start, pool_taken);
  }

  const SteadyClock::time_point outbound_start = SteadyClock::now();
  const std::optional<OutboundStats> outbound = Channels();
  std::optional<MemoryGovernorStats> governor;
  governor_.With([&](const GovernorFunction& stats) { governor = stats(); });
  const SteadyClock::time_point outbound_taken = SteadyClock::now();
  if (outbound.has_value()) {
    CollectOutbound(outbound->groups, merged);
    self.outbound_bytes = outbound->memory_bytes;
  }
  if (governor.has_value()) CollectGovernor(*governor, merged);
  if (outbound.has_value() || governor.has_value()) {
    ran("outbound", true, outbound_start, outbound_taken);
  }

  const SteadyClock::time_point process_start = SteadyClock::now();
  if (options_.process_metrics) {
    const absl::StatusOr<ProcessMemory> memory =
        ReadProcessMemory(options_.proc_root);
    if (memory.ok()) CollectProcess(*memory, process_start_seconds_, merged);
    ran("process", memory.ok(), process_start, process_start);
  }

  for (size_t i = 0; i < taken.size(); ++i) {
    self.runs[i].snapshot_age_seconds = SecondsSince(taken[i]);
  }
  if (foreign.asked > 0) {
    self.runs.push_back({"collectables", foreign.failures == 0, foreign.seconds,
                         SecondsSince(start)});
  }
  if (options_.native_memory != nullptr) CollectWalk(self, merged);
  CollectBackground(snapshots, self, merged);
  if (options_.black_box != nullptr) {
    if (const std::optional<SampleRun> run = options_.black_box()) {
      self.runs.push_back(
          {"black_box", run->success, run->duration_seconds, run->age_seconds});
    }
  }
  if (options_.trim_stats != nullptr) {
    CollectTrims(options_.trim_stats(), merged);
  }
  if (options_.http_stats != nullptr) self.http = options_.http_stats();
  if (options_.exporter_bytes != nullptr) {
    self.exporter_bytes = options_.exporter_bytes();
  }
  CollectSelf(snapshots, self, merged);
  merged.WriteRemaining({Describe(Metric::kDroppedSeries).name});
  CollectDroppedSeries(dropped_, merged);
}

}  // namespace poolscope
