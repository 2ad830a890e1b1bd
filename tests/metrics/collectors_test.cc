// All collectors against a file: every figure of a snapshot, under its name.

#include <vector>

#include "gtest/gtest.h"
#include "poolscope/allocator/leak/leak_stats.h"
#include "poolscope/metrics/arena_collector.h"
#include "poolscope/metrics/chunk_collector.h"
#include "poolscope/metrics/leak_collector.h"
#include "poolscope/metrics/lock_collector.h"
#include "poolscope/metrics/memory_collector.h"
#include "poolscope/metrics/outbound_collector.h"
#include "poolscope/metrics/self_collector.h"
#include "poolscope/metrics/size_class_collector.h"
#include "poolscope/metrics/text_writer.h"
#include "poolscope/metrics/thread_cache_collector.h"
#include "poolscope/tests/metrics/exposition.h"
#include "poolscope/tests/metrics/golden.h"
#include "poolscope/tests/metrics/sample_stats.h"

namespace poolscope {
namespace {

TEST(CollectorsTest, ExpositionOfAFixedSnapshot) {
  const std::vector<AllocatorStats> snapshots = {SampleStats()};
  SelfStats self;
  self.build = {"1.2.3", "unknown", "gcc 12"};
  self.runs = {{"pool", true, 0.00025, 0.0005},
               {"outbound", true, 0.0625, 0.03125},
               {"process", false, 0.125, 0}};
  self.http = HttpStats{
      {"/metrics", {{200, 41}, {405, 1}}, {{0.001, 40}, {0.1, 41}}, 42, 0.75}};
  self.exporter_bytes = 4096;
  self.leak_bytes = 100;
  self.outbound_bytes = 20000;
  LeakStats leaks;
  leaks.allocator = "default";
  leaks.level = LeakLevel::kAdvanced;
  leaks.leaks = {21, 22};
  leaks.reports = {3, 4};
  leaks.tracked = 25;
  leaks.sampling_ratio = 0.125;
  leaks.dropped_blocks = 26;
  leaks.dropped_stacks = 27;
  leaks.dropped_accesses = 28;
  DroppedSeries dropped;
  dropped.Add(DropReason::kDuplicate, 6);

  TextWriter text;
  CollectArenas(snapshots, text);
  CollectChunks(snapshots, text);
  CollectMemory(snapshots, text);
  CollectSizeClasses(snapshots, text);
  CollectThreadCaches(snapshots, text);
  CollectLocks(snapshots, text);
  CollectLeaks({leaks}, text);
  CollectOutbound(SampleOutboundStats().groups, text);
  CollectGovernor({40, 3, 51, 48, 2}, text);
  CollectProcess({8192, 16384}, text);
  CollectSelf(snapshots, self, text);
  CollectDroppedSeries(dropped, text);

  EXPECT_EQ(text.text(), Golden("exposition.txt", text.text()));
  const absl::StatusOr<Exposition> parsed = ParseExposition(text.text());
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_TRUE(CheckIdentities(*parsed).ok()) << CheckIdentities(*parsed);
}

}  // namespace
}  // namespace poolscope
