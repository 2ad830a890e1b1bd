#include "poolscope/metrics/process_monitor.h"

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace poolscope {
namespace {

// A directory that stands for "/", with one cgroup of version 2.
class ProcessMonitorTest : public testing::Test {
 protected:
  ProcessMonitorTest()
      : root_(absl::StrCat(
            testing::TempDir(), "/process_monitor_",
            testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(root_ + "/proc/self");
    std::filesystem::create_directories(root_ + "/sys/fs/cgroup");
  }
  ~ProcessMonitorTest() override { std::filesystem::remove_all(root_); }

  void WriteCgroup(uint64_t limit, uint64_t usage) {
    std::ofstream(root_ + "/proc/self/cgroup") << "0::/\n";
    std::ofstream(root_ + "/sys/fs/cgroup/memory.max") << limit;
    std::ofstream(root_ + "/sys/fs/cgroup/memory.current") << usage;
  }
  ProcessMonitorOptions Options() {
    ProcessMonitorOptions options;
    options.root = root_;
    options.clock = &clock_;
    options.read_malloc = [this]() -> absl::StatusOr<MallocFigures> {
      ++malloc_reads_;
      if (malloc_fails_) return absl::DataLossError("no");
      MallocFigures figures;
      figures.arenas = malloc_reads_;
      return figures;
    };
    return options;
  }
  static AllocatorStats Pool(const std::string& name, uint64_t used) {
    AllocatorStats stats;
    stats.name = name;
    stats.direct_used_bytes = used;
    stats.direct_limit_bytes = 1'000'000'000;
    return stats;
  }

  const std::string root_;
  SimulatedClock clock_;
  int malloc_reads_ = 0;
  bool malloc_fails_ = false;
};

TEST_F(ProcessMonitorTest, ThereIsNothingBeforeTheFirstSample) {
  ProcessMonitor monitor(Options());
  EXPECT_FALSE(monitor.Latest().has_value());
  EXPECT_EQ(malloc_reads_, 0);
}

TEST_F(ProcessMonitorTest, WhatWasSampledIsKeptAndAges) {
  WriteCgroup(1000, 100);
  ProcessMonitor monitor(Options());
  monitor.Sample({});
  clock_.Advance(absl::Seconds(3));
  WriteCgroup(1000, 500);
  const std::optional<ProcessFigures> figures = monitor.Latest();
  ASSERT_TRUE(figures.has_value());
  EXPECT_TRUE(figures->limits.success);
  EXPECT_EQ(figures->limits.age_seconds, 3);
  EXPECT_GT(figures->limits.duration_seconds, 0);
  ASSERT_TRUE(figures->cgroup.has_value());
  EXPECT_EQ(figures->cgroup->Nearest().headroom_bytes(), 900u);
  EXPECT_FALSE(figures->pressure.has_value());
  EXPECT_TRUE(figures->malloc.success);
  EXPECT_EQ(figures->malloc_figures->arenas, 1u);
}

TEST_F(ProcessMonitorTest, WhatIsNotThereIsNoFigureAndNoFailure) {
  malloc_fails_ = true;
  ProcessMonitor monitor(Options());
  monitor.Sample({});
  const std::optional<ProcessFigures> figures = monitor.Latest();
  ASSERT_TRUE(figures.has_value());
  EXPECT_TRUE(figures->limits.success);
  EXPECT_FALSE(figures->pressure.has_value());
  EXPECT_FALSE(figures->cgroup.has_value());
  EXPECT_FALSE(figures->malloc.success);
  EXPECT_FALSE(figures->malloc_figures.has_value());
}

// Asking holds malloc's locks: at most a thousandth of the time.
TEST_F(ProcessMonitorTest, MallocThatTakesLongIsAskedSeldomer) {
  ProcessMonitorOptions options = Options();
  double slow_seconds = 0.02;
  options.read_malloc = [&]() -> absl::StatusOr<MallocFigures> {
    ++malloc_reads_;
    const int64_t start = PreciseNanos();
    while (PreciseNanos() - start < slow_seconds * 1e9) {
    }
    return MallocFigures();
  };
  ProcessMonitor monitor(options);
  monitor.Sample({});
  clock_.Advance(absl::Seconds(19));
  monitor.Sample({});
  EXPECT_EQ(malloc_reads_, 1);
  EXPECT_EQ(monitor.Latest()->malloc.age_seconds, 19);
  EXPECT_EQ(monitor.Latest()->limits.age_seconds, 0);
  slow_seconds = 0;
  clock_.Advance(absl::Seconds(1000));
  monitor.Sample({});
  EXPECT_EQ(malloc_reads_, 2);
  clock_.Advance(absl::Seconds(5));
  monitor.Sample({});
  EXPECT_EQ(malloc_reads_, 3);
}

TEST_F(ProcessMonitorTest, ForecastsTheLimitThatComesFirst) {
  ProcessMonitor monitor(Options());
  for (uint64_t i = 0; i < LimitForecast::kMaxSamples; ++i) {
    // 1000 bytes a second of the cgroup's, 2000 of one pool's, none of the
    // other's.
    WriteCgroup(10'000'000, 5000 * i);
    monitor.Sample({{Pool("grows", 10'000 * i), Pool("rests", 999'999'999)}});
    clock_.Advance(absl::Seconds(5));
  }
  // 10 million less 300,000, at 1000 a second.
  EXPECT_NEAR(monitor.Latest()->oom_eta_seconds.value(), 9700, 1);
  // Without the cgroup: 10^9 at 2000 a second is further than the horizon.
  std::filesystem::remove(root_ + "/proc/self/cgroup");
  monitor.Sample({{Pool("grows", 610'000)}});
  EXPECT_EQ(monitor.Latest()->oom_eta_seconds, std::nullopt);
}

TEST_F(ProcessMonitorTest, APoolThatComesBackStartsAnew) {
  ProcessMonitor monitor(Options());
  const auto sample = [&](uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) {
      monitor.Sample({{Pool("a", 10'000'000 * i)}});
      clock_.Advance(absl::Seconds(5));
    }
  };
  sample(LimitForecast::kMinSamples - 1);
  EXPECT_FALSE(monitor.Latest()->oom_eta_seconds.has_value());
  monitor.Sample({});
  sample(LimitForecast::kMinSamples - 1);
  EXPECT_FALSE(monitor.Latest()->oom_eta_seconds.has_value());
  monitor.Sample({});
  sample(LimitForecast::kMinSamples);
  EXPECT_TRUE(monitor.Latest()->oom_eta_seconds.has_value());
}

}  // namespace
}  // namespace poolscope
