#include "poolscope/metrics/native_memory_monitor.h"

#include <sys/stat.h>

#include <cstdint>
#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/base/clock.h"
#include "poolscope/metrics/metric_registry.h"
#include "poolscope/metrics/process/malloc_figures.h"
#include "poolscope/metrics/process/malloc_library.h"

namespace poolscope {
namespace {

// A process that has nothing but a heap.
std::string WriteHeap(const std::string& end) {
  const std::string root = testing::TempDir() + "/heap";
  mkdir(root.c_str(), 0755);
  mkdir((root + "/self").c_str(), 0755);
  std::ofstream(root + "/self/smaps")
      << "10000-" << end << " rw-p 0 0:0 0 [heap]\nRss: 4 kB\n";
  return root;
}

NativeMemoryCategoryStats Find(const NativeMemoryStats& stats,
                               absl::string_view name) {
  for (const NativeMemoryCategoryStats& category : stats.categories) {
    if (category.name == name) return category;
  }
  return NativeMemoryCategoryStats();
}

// Whosever malloc this is.
NativeMemoryCategoryStats Heap(const NativeMemoryStats& stats) {
  const NativeMemoryCategoryStats other = Find(stats, "Other Malloc");
  return other.name.empty() ? Find(stats, "Glibc Heap") : other;
}

TEST(NativeMemoryMonitorTest, PeaksAreOfWhatACategoryWasShownWith) {
  uint64_t sidecar_bytes = 0x1000;
  NativeMemoryMonitorOptions options;
  options.proc_root = WriteHeap("20000");
  options.sidecar_bytes = [&] { return sidecar_bytes; };
  MetricRegistry registry{MetricRegistryOptions{}};
  NativeMemoryMonitor monitor(options, &registry);
  const auto read = [&] {
    absl::StatusOr<NativeMemoryStats> stats = monitor.Read(/*detailed=*/false);
    EXPECT_TRUE(stats.ok()) << stats.status();
    return stats.ok() ? *std::move(stats) : NativeMemoryStats();
  };
  NativeMemoryStats stats = read();
  EXPECT_EQ(Heap(stats).committed_bytes(), 0xf000u);
  EXPECT_EQ(Heap(stats).peak_committed_bytes, 0xf000u);
  EXPECT_EQ(Find(stats, "Sidecar").committed_bytes(), 0x1000u);
  // The sidecar's part is the heap's again.
  sidecar_bytes = 0;
  EXPECT_EQ(Heap(read()).peak_committed_bytes, 0x10000u);
  WriteHeap("18000");
  stats = read();
  EXPECT_EQ(Heap(stats).committed_bytes(), 0x8000u);
  EXPECT_EQ(Heap(stats).peak_committed_bytes, 0x10000u);
  EXPECT_EQ(Find(stats, "Sidecar").peak_committed_bytes, 0x1000u);
}

// Malloc is asked by walks, and what it has in use put into its row; but not
// again before it has had 49 times as long for the program.
TEST(NativeMemoryMonitorTest, MallocIsAskedASmallPartOfTheTime) {
  SimulatedClock clock;
  uint64_t in_use_bytes = 0x3000;
  int asked = 0;
  NativeMemoryMonitorOptions options;
  options.proc_root = WriteHeap("20000");
  options.walker.clock = &clock;
  options.read_malloc = [&]() -> absl::StatusOr<MallocFigures> {
    ++asked;
    MallocFigures malloc;
    malloc.kind = TheMalloc().kind;
    malloc.in_use_bytes = in_use_bytes;
    malloc.main_arena_in_use_bytes = in_use_bytes;
    return malloc;
  };
  MetricRegistry registry{MetricRegistryOptions{}};
  NativeMemoryMonitor monitor(options, &registry);
  const auto heap = [&] {
    return Heap(monitor.Read(/*detailed=*/false).value());
  };
  EXPECT_EQ(heap().malloc_bytes, 0x3000u);
  EXPECT_EQ(heap().committed_bytes(), 0x10000u);
  in_use_bytes = 0x5000;
  EXPECT_EQ(heap().malloc_bytes, 0x3000u);
  EXPECT_EQ(asked, 1);
  clock.Advance(absl::Hours(1));
  EXPECT_EQ(heap().malloc_bytes, 0x5000u);
  EXPECT_EQ(asked, 2);
}

TEST(NativeMemoryMonitorTest, AMallocThatFailsToAnswerHasNoneInUse) {
  NativeMemoryMonitorOptions options;
  options.proc_root = WriteHeap("20000");
  options.read_malloc = [] { return absl::DataLossError("broken"); };
  MetricRegistry registry{MetricRegistryOptions{}};
  NativeMemoryMonitor monitor(options, &registry);
  const NativeMemoryCategoryStats heap =
      Heap(monitor.Read(/*detailed=*/false).value());
  EXPECT_EQ(heap.malloc_bytes, 0u);
  EXPECT_EQ(heap.committed_bytes(), 0x10000u);
}

}  // namespace
}  // namespace poolscope
