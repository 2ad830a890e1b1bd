// All collectors against a file: every figure of a snapshot, under its name.

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/leak/leak_stats.h"
#include "poolscope/metrics/arena_collector.h"
#include "poolscope/metrics/chunk_collector.h"
#include "poolscope/metrics/leak_collector.h"
#include "poolscope/metrics/limits_collector.h"
#include "poolscope/metrics/lock_collector.h"
#include "poolscope/metrics/malloc_collector.h"
#include "poolscope/metrics/memory_collector.h"
#include "poolscope/metrics/outbound_collector.h"
#include "poolscope/metrics/process_figures.h"
#include "poolscope/metrics/self_collector.h"
#include "poolscope/metrics/size_class_collector.h"
#include "poolscope/metrics/text_writer.h"
#include "poolscope/metrics/thread_cache_collector.h"
#include "poolscope/metrics/trim_collector.h"
#include "poolscope/metrics/trim_stats.h"
#include "poolscope/tests/metrics/exposition.h"
#include "poolscope/tests/metrics/golden.h"
#include "poolscope/tests/metrics/sample_stats.h"

namespace poolscope {
namespace {

ProcessFigures SampleFigures() {
  ProcessFigures figures;
  MallocFigures malloc;
  malloc.kind = MallocKind::kGlibc;
  malloc.in_use_bytes = 5001;
  malloc.free_bytes = 5002;
  malloc.mapped_bytes = 10003;
  malloc.arenas = 9;
  figures.malloc_figures = malloc;
  CgroupLevel level;
  level.limit_bytes = 300000;
  level.usage_bytes = 250000;
  level.inactive_file_bytes = 4000;
  figures.cgroup = CgroupMemory{{level}, {{"max", 51}, {"oom_kill", 52}}};
  figures.pressure = MemoryPressure{1.5, 0.25};
  figures.oom_eta_seconds = 432.5;
  return figures;
}

std::string MallocText(const MallocFigures& malloc) {
  TextWriter text;
  CollectMalloc(malloc, text);
  return std::string(text.text());
}

TEST(CollectorsTest, OnlyGlibcHasGlibcsArenas) {
  MallocFigures malloc = *SampleFigures().malloc_figures;
  EXPECT_TRUE(
      absl::StrContains(MallocText(malloc), "poolscope_glibc_arenas 9"));
  malloc.kind = MallocKind::kJemalloc;
  EXPECT_FALSE(absl::StrContains(MallocText(malloc), "glibc"));
  EXPECT_TRUE(absl::StrContains(MallocText(malloc), "5001"));
}

TEST(CollectorsTest, WhatAMallocDoesNotTellIsLeftOut) {
  MallocFigures malloc;
  malloc.kind = MallocKind::kMimalloc;
  malloc.mapped_bytes = 7000;
  malloc.thread_in_use_bytes = 6000;
  std::string text = MallocText(malloc);
  EXPECT_TRUE(absl::StrContains(
      text, "poolscope_malloc_bytes{state=\"mapped\"} 7000\n"));
  EXPECT_FALSE(absl::StrContains(text, "in_use\""));
  EXPECT_FALSE(absl::StrContains(text, "6000"));
  text = MallocText(MallocFigures());
  EXPECT_TRUE(absl::StrContains(text, "{implementation=\"other\"} 1\n"));
  EXPECT_FALSE(absl::StrContains(text, "malloc_bytes"));
}

TEST(CollectorsTest, WithoutFiguresTheHeadroomIsTheAllocators) {
  TextWriter text;
  const std::vector<AllocatorStats> snapshots = {SampleStats()};
  CollectLimits(snapshots, ProcessFigures(), text);
  EXPECT_TRUE(absl::StrContains(text.text(),
                                absl::StrCat("\npoolscope_headroom_bytes ",
                                             snapshots[0].direct_limit_bytes -
                                                 snapshots[0].direct_used_bytes,
                                             "\n")));
  EXPECT_FALSE(absl::StrContains(text.text(), "eta"));
  EXPECT_FALSE(absl::StrContains(text.text(), "cgroup_memory"));
  TextWriter nothing;
  CollectLimits({}, ProcessFigures(), nothing);
  EXPECT_EQ(nothing.text(), "");
}

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
  CollectProcess({8192, 16384}, 1700000000.25, text);
  CollectMalloc(*SampleFigures().malloc_figures, text);
  CollectLimits(snapshots, SampleFigures(), text);
  CollectTrims({31, 32, 33, 34000}, text);
  CollectSelf(snapshots, self, text);
  CollectDroppedSeries(dropped, text);

  EXPECT_EQ(text.text(), Golden("exposition.txt", text.text()));
  const absl::StatusOr<Exposition> parsed = ParseExposition(text.text());
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_TRUE(CheckIdentities(*parsed).ok()) << CheckIdentities(*parsed);
}

}  // namespace
}  // namespace poolscope
