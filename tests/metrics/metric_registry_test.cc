#include "poolscope/metrics/metric_registry.h"

#include <atomic>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/outbound/memory_governor_stats.h"
#include "poolscope/allocator/outbound/outbound_stats.h"
#include "poolscope/metrics/channel_source.h"
#include "poolscope/metrics/http_stats.h"
#include "poolscope/metrics/leak_page.h"
#include "poolscope/metrics/leak_source.h"
#include "poolscope/metrics/metric_names.h"
#include "poolscope/metrics/native_memory/last_memory_walk.h"
#include "poolscope/metrics/native_memory/native_memory_stats.h"
#include "poolscope/metrics/process_figures.h"
#include "poolscope/metrics/text_writer.h"
#include "poolscope/metrics/trim_stats.h"
#include "poolscope/tests/metrics/exposition.h"
#include "poolscope/tests/metrics/native_memory/sample_native_memory.h"
#include "poolscope/tests/metrics/sample_stats.h"
#include "prometheus/counter.h"
#include "prometheus/registry.h"

namespace poolscope {
namespace {

Exposition Scrape(MetricRegistry& registry) {
  TextWriter text;
  registry.Collect(text);
  absl::StatusOr<Exposition> parsed = ParseExposition(text.text());
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  return parsed.ok() ? *parsed : Exposition();
}

HttpStats NoRequestsYet() {
  HttpHandlerStats handler;
  handler.handler = "/metrics";
  handler.codes = {{200, 0}};
  handler.durations = {{0.1, 0}};
  return {handler};
}

// One of which everything can be said.
ProcessFigures GrowingProcess() {
  ProcessFigures figures;
  figures.limits = {true, 0.25, 4};
  figures.malloc = {false, 0.5, 60};
  figures.malloc_figures = MallocFigures{MallocKind::kGlibc, 1, 2, 3, 4};
  CgroupLevel level;
  level.limit_bytes = 1000;
  level.usage_bytes = 100;
  figures.cgroup = CgroupMemory{{level}, {{"max", 0}}};
  figures.pressure = MemoryPressure();
  figures.oom_eta_seconds = 60;
  return figures;
}

TEST(MetricRegistryTest, EveryMetricIsThereFromTheFirstScrape) {
  MetricRegistryOptions options;
  options.http_stats = NoRequestsYet;
  options.native_memory = [] {
    return LastMemoryWalk{
        std::make_shared<const NativeMemoryStats>(SampleNativeMemory()), 0,
        absl::OkStatus()};
  };
  options.process_figures = GrowingProcess;
  options.trim_stats = [] { return TrimStats(); };
  MetricRegistry registry(options);
  ASSERT_TRUE(
      registry.AddAllocator("a", [](bool) { return FreshStats("a", 1, 1); })
          .ok());
  registry.AddLeakDetector("a", {[] { return LeakStats(); }, nullptr, nullptr});
  ASSERT_TRUE(registry
                  .AddChannels({[] {
                                  OutboundStats stats;
                                  stats.groups.emplace_back().group = "g";
                                  return stats;
                                },
                                nullptr})
                  .ok());
  ASSERT_TRUE(registry.AddGovernor([] { return MemoryGovernorStats(); }).ok());
  const Exposition scrape = Scrape(registry);
  for (const MetricRow& row : AllMetrics()) {
    const std::string name(row.descriptor.name);
    EXPECT_EQ(scrape.types.count(name), 1u) << name;
    const bool histogram = row.descriptor.type == MetricType::kHistogram;
    int samples = 0;
    for (const Exposition::Sample& sample : scrape.samples) {
      if (sample.name != (histogram ? name + "_count" : name)) continue;
      ++samples;
      // The labels are those of the table, and counters begin at 0.
      std::set<std::string> labels;
      for (const auto& [label, value] : sample.labels) labels.insert(label);
      const std::set<std::string> expected =
          absl::StrSplit(row.labels, ',', absl::SkipEmpty());
      EXPECT_EQ(labels, expected) << name;
      if (row.descriptor.type == MetricType::kCounter) {
        EXPECT_EQ(sample.value, "0") << name;
      }
    }
    EXPECT_GT(samples, 0) << name;
  }
  EXPECT_EQ(scrape.types.size(), static_cast<size_t>(kMetricCount));
}

TEST(MetricRegistryTest, NativeMemoryIsThatOfTheLastWalk) {
  LastMemoryWalk last;
  MetricRegistryOptions options;
  options.process_metrics = false;
  options.native_memory = [&] { return last; };
  MetricRegistry registry(options);
  // Before the first walk: families, no samples, no collector that ran.
  Exposition scrape = Scrape(registry);
  EXPECT_EQ(scrape.types.count("poolscope_native_memory_resident_bytes"), 1u);
  EXPECT_EQ(scrape.types.count("poolscope_native_memory_unattributed_bytes"),
            1u);
  for (const Exposition::Sample& sample : scrape.samples) {
    EXPECT_FALSE(absl::StartsWith(sample.name, "poolscope_native_memory_"));
  }
  EXPECT_EQ(scrape.types.count("poolscope_scrape_success"), 0u);

  // It failed.
  last.latest = absl::DataLossError("broken");
  scrape = Scrape(registry);
  EXPECT_EQ(scrape.Value("poolscope_scrape_success",
                         {{"collector", "native_memory"}}),
            "0");

  const NativeMemoryStats stats = SampleNativeMemory();
  last = {std::make_shared<const NativeMemoryStats>(stats), 12.5,
          absl::OkStatus()};
  scrape = Scrape(registry);
  EXPECT_EQ(scrape.Sum("poolscope_native_memory_resident_bytes", {}),
            stats.resident_bytes);
  const std::map<std::string, std::string> heap = {{"category", "Glibc Heap"}};
  EXPECT_EQ(scrape.Value("poolscope_native_memory_reserved_bytes", heap),
            "8388608");
  EXPECT_EQ(scrape.Value("poolscope_native_memory_committed_bytes", heap),
            "7340032");
  EXPECT_EQ(scrape.Value("poolscope_native_memory_resident_bytes", heap),
            "4194304");
  EXPECT_EQ(scrape.Value("poolscope_native_memory_peak_committed_bytes", heap),
            "9437184");
  EXPECT_EQ(scrape.Value("poolscope_native_memory_live_allocations",
                         {{"category", "OpenSSL"}}),
            "12");
  EXPECT_EQ(scrape.Value("poolscope_native_memory_unattributed_bytes", {}),
            "300");
  EXPECT_EQ(scrape.Value("poolscope_scrape_success",
                         {{"collector", "native_memory"}}),
            "1");
  EXPECT_EQ(scrape.Value("poolscope_tracking_overhead_bytes", {}), "2048");
  EXPECT_EQ(scrape.Value("poolscope_snapshot_age_seconds",
                         {{"collector", "native_memory"}}),
            "12.5");
  EXPECT_EQ(scrape.Value("poolscope_scrape_duration_seconds",
                         {{"collector", "native_memory"}}),
            "0.25");
  // The next one failed: the figures stay.
  last.latest = absl::DataLossError("broken");
  scrape = Scrape(registry);
  EXPECT_EQ(scrape.Value("poolscope_scrape_success",
                         {{"collector", "native_memory"}}),
            "0");
  EXPECT_EQ(scrape.Sum("poolscope_native_memory_resident_bytes", {}),
            stats.resident_bytes);
}

TEST(MetricRegistryTest, LeaksAreThoseOfTheDetectorsRegistered) {
  MetricRegistry registry{MetricRegistryOptions{}};
  const auto source = [](uint64_t tracked) {
    LeakStats stats;
    stats.allocator = "another name";
    stats.tracked = tracked;
    stats.overhead_bytes = 1000 * tracked;
    LeakSource result;
    result.stats = [stats] { return stats; };
    result.reports = [] { return std::vector<LeakReport>(1); };
    return result;
  };
  for (const char* name : {"a", "b"}) {
    ASSERT_TRUE(
        registry.AddAllocator(name, [](bool) { return FreshStats("", 1, 1); })
            .ok());
  }
  const auto overhead = [&] {
    return Scrape(registry).Sum("poolscope_tracking_overhead_bytes", {});
  };
  const auto before = overhead();
  registry.AddLeakDetector("a", source(3));
  registry.AddLeakDetector("b", source(4));
  registry.AddLeakDetector("b", source(5));
  const auto tracked = [&](const char* name) {
    return Scrape(registry).Sum("poolscope_leak_tracked_buffers",
                                {{"allocator", name}});
  };
  EXPECT_EQ(tracked("a"), 3);
  EXPECT_EQ(tracked("b"), 5);
  EXPECT_EQ(overhead(), before + 8000);
  EXPECT_EQ(registry.Leaks("").size(), 2u);
  ASSERT_EQ(registry.Leaks("b").size(), 1u);
  EXPECT_EQ(registry.Leaks("b")[0].stats.allocator, "b");
  EXPECT_EQ(registry.Leaks("b")[0].reports.size(), 1u);
  EXPECT_TRUE(registry.Leaks("c").empty());
  registry.RemoveLeakDetector("b");
  EXPECT_TRUE(registry.Leaks("b").empty());
  EXPECT_EQ(tracked("b"), 0);
}

TEST(MetricRegistryTest, ALeakDetectorsSmallestReportsAreLeftOut) {
  MetricRegistry registry(MetricRegistryOptions{});
  size_t count = 0;
  LeakSource source;
  source.stats = [] { return LeakStats(); };
  source.reports = [&] { return std::vector<LeakReport>(count); };
  registry.AddLeakDetector("a", source);
  for (const size_t more : {0, 1}) {
    count = kMaxLeakReports + more;
    const std::vector<LeakFindings> findings = registry.Leaks("");
    ASSERT_EQ(findings.size(), 1u);
    EXPECT_EQ(findings[0].reports.size(), kMaxLeakReports);
    EXPECT_EQ(findings[0].omitted_reports, more);
    EXPECT_EQ(LeakPageText(findings).find("and 1 report of fewer bytes") !=
                  std::string::npos,
              more == 1);
  }
}

TEST(MetricRegistryTest, ChannelsAreShownWithoutAnAllocator) {
  MetricRegistry registry(MetricRegistryOptions{});
  const auto overhead = [&] {
    return Scrape(registry).Sum("poolscope_tracking_overhead_bytes", {});
  };
  const uint64_t before = overhead();
  EXPECT_FALSE(registry.has_channels());
  EXPECT_FALSE(registry.Channels().has_value());
  EXPECT_TRUE(registry.TopChannels(5).empty());
  EXPECT_EQ(Scrape(registry).types.count("poolscope_outbound_pending_bytes"),
            0u);

  size_t asked_for = 0;
  const ChannelSource source = {SampleOutboundStats, [&](size_t count) {
                                  asked_for = count;
                                  return SampleChannels();
                                }};
  ASSERT_TRUE(registry.AddChannels(source).ok());
  EXPECT_EQ(registry.AddChannels(source).code(),
            absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(registry.has_channels());
  const Exposition scrape = Scrape(registry);
  EXPECT_TRUE(CheckIdentities(scrape).ok()) << CheckIdentities(scrape);
  EXPECT_EQ(
      scrape.Value("poolscope_outbound_pending_bytes", {{"group", "clients"}}),
      "99785");
  EXPECT_EQ(
      scrape.Value("poolscope_scrape_success", {{"collector", "outbound"}}),
      "1");
  EXPECT_NE(scrape.Value("poolscope_snapshot_age_seconds",
                         {{"collector", "outbound"}}),
            "");
  EXPECT_EQ(overhead(), before + SampleOutboundStats().memory_bytes);
  EXPECT_EQ(registry.TopChannels(5).size(), 3u);
  EXPECT_EQ(asked_for, 5u);

  registry.RemoveChannels();
  EXPECT_FALSE(registry.has_channels());
  EXPECT_EQ(Scrape(registry).Value("poolscope_scrape_success",
                                   {{"collector", "outbound"}}),
            "");
  EXPECT_TRUE(registry.AddChannels(source).ok());
}

TEST(MetricRegistryTest, OneGovernorIsShown) {
  MetricRegistry registry(MetricRegistryOptions{});
  const auto stats = [] { return MemoryGovernorStats{40, 3, 51, 48, 2}; };
  ASSERT_TRUE(registry.AddGovernor(stats).ok());
  EXPECT_EQ(registry.AddGovernor(stats).code(),
            absl::StatusCode::kAlreadyExists);
  const Exposition scrape = Scrape(registry);
  const auto channels = [&](const char* state) {
    return scrape.Value("poolscope_governor_channels", {{"state", state}});
  };
  EXPECT_EQ(channels("reading"), "37");
  EXPECT_EQ(channels("paused"), "3");
  registry.RemoveGovernor();
  EXPECT_EQ(Scrape(registry).types.count("poolscope_governor_channels"), 0u);
}

TEST(MetricRegistryTest, FamiliesOfSeveralAllocatorsAreOne) {
  MetricRegistry registry(MetricRegistryOptions{});
  for (const char* name : {"one", "two"}) {
    ASSERT_TRUE(
        registry.AddAllocator(name, [](bool) { return SampleStats(); }).ok());
  }
  // The parser refuses families that repeat.
  const Exposition scrape = Scrape(registry);
  EXPECT_TRUE(CheckIdentities(scrape).ok()) << CheckIdentities(scrape);
  EXPECT_EQ(
      scrape.Value("poolscope_remote_frees_total", {{"allocator", "one"}}),
      "42");
  EXPECT_EQ(
      scrape.Value("poolscope_remote_frees_total", {{"allocator", "two"}}),
      "42");
  EXPECT_EQ(scrape.Value("poolscope_tracking_overhead_bytes", {}), "140000");
}

TEST(MetricRegistryTest, RefusesANameTwice) {
  MetricRegistry registry(MetricRegistryOptions{});
  const auto stats = [](bool) { return SampleStats(); };
  ASSERT_TRUE(registry.AddAllocator("a", stats).ok());
  const absl::Status status = registry.AddAllocator("a", stats);
  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_NE(status.message().find("\"a\""), absl::string_view::npos);
  registry.RemoveAllocator("a");
  EXPECT_TRUE(registry.AddAllocator("a", stats).ok());
}

TEST(MetricRegistryTest, AnAllocatorRemovedDuringAScrapeIsNotAsked) {
  MetricRegistry registry(MetricRegistryOptions{});
  bool asked = false;
  ASSERT_TRUE(registry
                  .AddAllocator("a",
                                [&](bool) {
                                  registry.RemoveAllocator("b");
                                  return SampleStats();
                                })
                  .ok());
  ASSERT_TRUE(registry
                  .AddAllocator("b",
                                [&](bool) {
                                  asked = true;
                                  return SampleStats();
                                })
                  .ok());
  EXPECT_EQ(registry.Snapshots("", /*detailed=*/false).size(), 1u);
  EXPECT_FALSE(asked);
}

TEST(MetricRegistryTest, RemoveWaitsForTheSnapshotThatIsTaken) {
  MetricRegistry registry(MetricRegistryOptions{});
  std::promise<void> entered;
  std::promise<void> go_on;
  std::atomic<bool> alive = true;
  std::atomic<bool> used_after_end = false;
  ASSERT_TRUE(registry
                  .AddAllocator("a",
                                [&](bool) {
                                  entered.set_value();
                                  go_on.get_future().wait();
                                  if (!alive) used_after_end = true;
                                  return SampleStats();
                                })
                  .ok());
  std::thread scraper([&] { Scrape(registry); });
  entered.get_future().wait();
  std::thread remover([&] {
    registry.RemoveAllocator("a");
    alive = false;
  });
  // Gone from the list at once, though the snapshot is still being taken.
  while (registry.allocator_count() != 0) std::this_thread::yield();
  EXPECT_TRUE(alive);
  go_on.set_value();
  scraper.join();
  remover.join();
  EXPECT_FALSE(used_after_end);
  EXPECT_TRUE(registry.Snapshots("", false).empty());
}

TEST(MetricRegistryTest, AsksForDetailsOnlyWhereWanted) {
  MetricRegistry registry(MetricRegistryOptions{});
  std::vector<bool> asked;
  ASSERT_TRUE(registry
                  .AddAllocator("a",
                                [&](bool detailed) {
                                  asked.push_back(detailed);
                                  return SampleStats();
                                })
                  .ok());
  Scrape(registry);
  EXPECT_EQ(registry.Snapshots("a", true).size(), 1u);
  EXPECT_TRUE(registry.Snapshots("b", true).empty());
  EXPECT_EQ(asked, (std::vector<bool>{false, true}));
}

TEST(MetricRegistryTest, WithoutAllocatorsThereAreNoFamiliesOfThem) {
  MetricRegistry registry(MetricRegistryOptions{});
  const Exposition scrape = Scrape(registry);
  EXPECT_EQ(scrape.types.count("poolscope_arena_used_bytes"), 0u);
  EXPECT_EQ(scrape.types.count("poolscope_config_info"), 0u);
  EXPECT_EQ(scrape.types.count("poolscope_build_info"), 1u);
  EXPECT_EQ(scrape.Value("poolscope_scrape_success", {{"collector", "pool"}}),
            "");
}

TEST(MetricRegistryTest, ProcessMetricsCanBeLeftToTheService) {
  MetricRegistryOptions options;
  options.process_metrics = false;
  MetricRegistry registry(options);
  auto theirs = std::make_shared<prometheus::Registry>();
  prometheus::BuildGauge()
      .Name("process_resident_memory_bytes")
      .Help("theirs")
      .Register(*theirs)
      .Add({})
      .Set(12345);
  registry.AddCollectable(theirs);
  const Exposition scrape = Scrape(registry);
  EXPECT_EQ(scrape.Value("process_resident_memory_bytes", {}), "12345");
  EXPECT_EQ(scrape.types.count("process_virtual_memory_bytes"), 0u);
  EXPECT_EQ(scrape.types.count("process_start_time_seconds"), 0u);
}

TEST(MetricRegistryTest, SaysWhenTheProcessCannotBeRead) {
  MetricRegistryOptions options;
  options.proc_root = "/nonexistent";
  MetricRegistry registry(options);
  const Exposition scrape = Scrape(registry);
  EXPECT_EQ(
      scrape.Value("poolscope_scrape_success", {{"collector", "process"}}),
      "0");
  EXPECT_EQ(scrape.types.count("process_resident_memory_bytes"), 0u);
}

TEST(MetricRegistryTest, FiguresFromTheBackgroundSayHowOldTheyAre) {
  MetricRegistryOptions options;
  options.process_figures = GrowingProcess;
  MetricRegistry registry(options);
  ASSERT_TRUE(
      registry.AddAllocator("a", [](bool) { return FreshStats("", 1, 1); })
          .ok());
  const Exposition scrape = Scrape(registry);
  const auto value = [&](const char* name, const char* collector) {
    return scrape.Value(std::string("poolscope_") + name,
                        {{"collector", collector}});
  };
  EXPECT_EQ(value("snapshot_age_seconds", "limits"), "4");
  EXPECT_EQ(value("snapshot_age_seconds", "malloc"), "60");
  EXPECT_EQ(value("scrape_success", "limits"), "1");
  EXPECT_EQ(value("scrape_success", "malloc"), "0");
  EXPECT_EQ(value("scrape_duration_seconds", "limits"), "0.25");
  EXPECT_EQ(scrape.Value("poolscope_headroom_bytes", {}), "900");
}

TEST(MetricRegistryTest, BeforeTheFirstSampleThereIsTheAllocatorsHeadroom) {
  MetricRegistryOptions options;
  options.process_figures = [] { return std::nullopt; };
  MetricRegistry registry(options);
  EXPECT_EQ(Scrape(registry).types.count("poolscope_headroom_bytes"), 0u);
  ASSERT_TRUE(
      registry.AddAllocator("a", [](bool) { return FreshStats("", 1, 1); })
          .ok());
  const Exposition scrape = Scrape(registry);
  EXPECT_EQ(scrape.Value("poolscope_headroom_bytes", {}), "268435456");
  EXPECT_EQ(scrape.types.count("poolscope_malloc_info"), 0u);
  EXPECT_EQ(scrape.types.count("poolscope_trims_total"), 0u);
  EXPECT_EQ(scrape.Value("poolscope_scrape_success", {{"collector", "limits"}}),
            "");
}

TEST(MetricRegistryTest, CollectablesAreHeldWeakly) {
  MetricRegistry registry(MetricRegistryOptions{});
  auto theirs = std::make_shared<prometheus::Registry>();
  prometheus::BuildCounter()
      .Name("theirs_total")
      .Help("h")
      .Register(*theirs)
      .Add({{"x", "1"}})
      .Increment(3);
  registry.AddCollectable(theirs);
  EXPECT_EQ(registry.collectable_count(), 1u);
  EXPECT_EQ(Scrape(registry).Value("theirs_total", {{"x", "1"}}), "3");
  theirs.reset();
  EXPECT_EQ(registry.collectable_count(), 0u);
  EXPECT_EQ(Scrape(registry).types.count("theirs_total"), 0u);
}

TEST(MetricRegistryTest, CollectablesCanBeRemoved) {
  MetricRegistry registry(MetricRegistryOptions{});
  auto theirs = std::make_shared<prometheus::Registry>();
  registry.AddCollectable(theirs);
  registry.RemoveCollectable(theirs);
  EXPECT_EQ(registry.collectable_count(), 0u);
}

TEST(MetricRegistryTest, CountsSeriesThatItDrops) {
  MetricRegistry registry(MetricRegistryOptions{});
  std::vector<std::shared_ptr<prometheus::Registry>> both;
  for (int i = 0; i < 2; ++i) {
    both.push_back(std::make_shared<prometheus::Registry>());
    prometheus::BuildCounter().Name("t_total").Help("h").Register(*both[i]).Add(
        {});
    registry.AddCollectable(both[i]);
  }
  // Counted in the very scrape that drops it.
  EXPECT_EQ(Scrape(registry).Value("poolscope_dropped_series_total",
                                   {{"reason", "duplicate"}}),
            "1");
  EXPECT_EQ(Scrape(registry).Value("poolscope_dropped_series_total",
                                   {{"reason", "duplicate"}}),
            "2");
}

class Thrower : public prometheus::Collectable {
 public:
  std::vector<prometheus::MetricFamily> Collect() const override {
    throw std::runtime_error("no");
  }
};

class ThrowerOfItsOwn : public prometheus::Collectable {
 public:
  std::vector<prometheus::MetricFamily> Collect() const override { throw "no"; }
};

TEST(MetricRegistryTest, OutlivesCollectablesThatThrow) {
  MetricRegistry registry(MetricRegistryOptions{});
  const auto thrower = std::make_shared<Thrower>();
  const auto other = std::make_shared<ThrowerOfItsOwn>();
  registry.AddCollectable(thrower);
  registry.AddCollectable(other);
  EXPECT_EQ(Scrape(registry).Value("poolscope_dropped_series_total",
                                   {{"reason", "collect_failed"}}),
            "2");
}

}  // namespace
}  // namespace poolscope
