// MetricRegistry: what is shown, and one scrape of all of it.
//
//   registered allocators --Stats()--> values --collectors--+
//   outbound channels, memory governor --Stats()--> values -+
//   /proc/self/statm, figures of a ProcessMonitor -------->-+--> MetricWriter
//   last walk over the mappings -------------------------->-+
//   registered collectables -- checked, merged ----------->-+
//
// Collect() takes one snapshot of each source and makes every figure from
// it, so that what holds in a snapshot holds in the scrape.
//
//   MetricRegistry registry(MetricRegistryOptions{});
//   registry.AddAllocator("rpc", [&](bool detailed) { return rpc.Stats(); });
//   TextWriter text;
//   registry.Collect(text);
//
// Thread safety: thread-safe; scrapes may run at the same time. No lock is held
// while anything is written. A snapshot is taken under a lock of its source
// alone, which is what lets RemoveAllocator() wait for it.
#ifndef POOLSCOPE_METRICS_METRIC_REGISTRY_H_
#define POOLSCOPE_METRICS_METRIC_REGISTRY_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "poolscope/allocator/base/mutex.h"
#include "poolscope/allocator/outbound/memory_governor_stats.h"
#include "poolscope/allocator/outbound/outbound_stats.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/allocator/pool/pool_range.h"
#include "poolscope/metrics/channel_source.h"
#include "poolscope/metrics/collectable_families.h"
#include "poolscope/metrics/dropped_series.h"
#include "poolscope/metrics/http_stats.h"
#include "poolscope/metrics/leak_source.h"
#include "poolscope/metrics/live_blocks.h"
#include "poolscope/metrics/metric_writer.h"
#include "poolscope/metrics/native_memory/last_memory_walk.h"
#include "poolscope/metrics/process_figures.h"
#include "poolscope/metrics/removable.h"
#include "poolscope/metrics/self_collector.h"
#include "poolscope/metrics/trim_stats.h"
#include "prometheus/collectable.h"

namespace poolscope {

struct MetricRegistryOptions {
  // process_resident_memory_bytes, process_virtual_memory_bytes and
  // process_start_time_seconds.
  bool process_metrics = true;
  std::string proc_root = "/proc";

  // Null leaves the families of native memory out. It must not walk: a scrape
  // does not wait for that.
  std::function<LastMemoryWalk()> native_memory;

  // Where the HTTP families come from; null leaves them out.
  std::function<HttpStats()> http_stats;
  // What is taken in the background; null, or while it gives nothing, leaves
  // the families of malloc, limits and pressure out, but for the headroom of
  // the allocators themselves.
  std::function<std::optional<ProcessFigures>()> process_figures;
  // How the latest record of the black box went; null, or while it gives
  // nothing, leaves that collector out.
  std::function<std::optional<SampleRun>()> black_box;
  // What was trimmed on request; null leaves its families out.
  std::function<TrimStats()> trim_stats;
  // Bytes the exporter holds for itself; null counts none.
  std::function<uint64_t()> exporter_bytes;
};

class MetricRegistry {
 public:
  // One snapshot; with an entry a chunk and a thread cache where `detailed`.
  // Called on the thread that scrapes; must not call back into the registry.
  using StatsFunction = std::function<AllocatorStats(bool detailed)>;
  using GovernorFunction = std::function<MemoryGovernorStats()>;

  explicit MetricRegistry(MetricRegistryOptions options);
  ~MetricRegistry();
  MetricRegistry(const MetricRegistry&) = delete;
  MetricRegistry& operator=(const MetricRegistry&) = delete;

  // `name` is the label `allocator`. AlreadyExistsError when it is taken.
  absl::Status AddAllocator(absl::string_view name, StatsFunction stats);
  // Returns once `stats` is not running and never will again. Ignores a name
  // that is not there.
  void RemoveAllocator(absl::string_view name);

  // The leak detector of the allocator registered as `name`. One an allocator:
  // a second takes the place of the first.
  void AddLeakDetector(absl::string_view name, LeakSource source);
  void RemoveLeakDetector(absl::string_view name);

  // The outbound channels, and the memory governor, of which there is one each:
  // their labels tell no two apart. AlreadyExistsError for a second.
  absl::Status AddChannels(ChannelSource source);
  absl::Status AddGovernor(GovernorFunction stats);
  // As RemoveAllocator().
  void RemoveChannels() { channels_.Remove(); }
  void RemoveGovernor() { governor_.Remove(); }

  void AddCollectable(std::weak_ptr<prometheus::Collectable> collectable);
  void RemoveCollectable(
      const std::shared_ptr<prometheus::Collectable>& collectable);

  // Sources that are registered and alive.
  size_t allocator_count() const;
  size_t collectable_count() const;
  bool has_channels() const { return channels_.set(); }

  // One scrape, written in the order of the catalogue.
  void Collect(MetricWriter& writer);
  // The same in two steps, for who does not wait for collectables, whose code
  // is the embedder's (collectable_families.h): what to ask, and what came.
  std::vector<std::weak_ptr<prometheus::Collectable>> Collectables();
  void Collect(CollectableFamilies foreign, MetricWriter& writer);

  // One snapshot of every allocator, or of the one called `name` (none when
  // there is no such) unless it is empty.
  std::vector<AllocatorStats> Snapshots(absl::string_view name,
                                        bool detailed) const;

  // The figures of the channels' groups; none unless channels are registered.
  std::optional<OutboundStats> Channels() const;
  // The `count` channels with most pending bytes, the most first.
  std::vector<ChannelStats> TopChannels(size_t count) const;
  // What is mapped for the records of channels.
  std::vector<PoolRange> ChannelRanges() const;

  // Every leak detector, or that of the allocator called `name`, likewise.
  std::vector<std::pair<std::string, LeakSource>> LeakSources(
      absl::string_view name) const;
  // What they found.
  std::vector<LeakFindings> Leaks(absl::string_view name) const;
  // The live blocks that they have a record of; an entry for every allocator,
  // or the one called `name`, with a detector or without.
  std::vector<LiveBlocks> Live(absl::string_view name) const;

 private:
  struct Source {
    Source(absl::string_view name, StatsFunction stats)
        : name(name), stats(std::move(stats)) {}

    const std::string name;
    Removable<StatsFunction> stats;
  };

  // The families of the last walk, and how that went into `self`.
  void CollectWalk(SelfStats& self, MetricWriter& writer) const;
  // Malloc, limits and pressure; adds how taking them went to `self`.
  void CollectBackground(const std::vector<AllocatorStats>& snapshots,
                         SelfStats& self, MetricWriter& writer) const;

  const MetricRegistryOptions options_;
  std::optional<double> process_start_seconds_;  // constant after construction
  DroppedSeries dropped_;
  Removable<ChannelSource> channels_;
  Removable<GovernorFunction> governor_;

  mutable Mutex mutex_;
  std::vector<std::shared_ptr<Source>> sources_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::pair<std::string, LeakSource>> leak_sources_
      ABSL_GUARDED_BY(mutex_);
  std::vector<std::weak_ptr<prometheus::Collectable>> collectables_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_METRIC_REGISTRY_H_
