#include "poolscope/metrics/process_monitor.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "poolscope/metrics/headroom.h"

namespace poolscope {
namespace {

double Seconds(int64_t nanos) { return static_cast<double>(nanos) * 1e-9; }

template <typename Value>
std::optional<Value> OrNothing(absl::StatusOr<Value> value) {
  if (!value.ok()) return std::nullopt;
  return *std::move(value);
}

// A system may have no such thing: that is no failure.
bool IsOrIsNotThere(const absl::Status& status) {
  return status.ok() || absl::IsNotFound(status);
}

}  // namespace

ProcessMonitor::ProcessMonitor(ProcessMonitorOptions options)
    : options_(std::move(options)) {}

std::optional<double> ProcessMonitor::Forecast(
    absl::Span<const AllocatorStats> pools,
    const std::optional<CgroupMemory>& cgroup) {
  const int64_t now = options_.clock->NowNanos();
  std::map<std::string, LimitForecast> kept;
  std::optional<double> nearest;
  const auto add = [&](const std::string& limit, uint64_t used_bytes,
                       uint64_t headroom_bytes) {
    LimitForecast& forecast = kept[limit];
    const auto before = forecasts_.find(limit);
    if (before != forecasts_.end()) forecast = std::move(before->second);
    forecast.Add(now, used_bytes);
    const std::optional<double> seconds =
        forecast.SecondsUntilUsed(headroom_bytes);
    if (seconds.has_value()) {
      nearest = std::min(*seconds, nearest.value_or(*seconds));
    }
  };
  for (const AllocatorStats& pool : pools) {
    add(absl::StrCat("pool ", pool.name), pool.direct_used_bytes,
        DirectHeadroomBytes(pool));
  }
  if (cgroup.has_value()) {
    for (const CgroupLevel& level : cgroup->levels) {
      const std::optional<uint64_t> headroom = level.headroom_bytes();
      if (!headroom.has_value()) continue;
      add(absl::StrCat("cgroup ", level.directory), level.held_bytes(),
          *headroom);
    }
  }
  forecasts_ = std::move(kept);
  return nearest;
}

void ProcessMonitor::Sample(absl::Span<const AllocatorStats> pools) {
  Taken taken;
  {
    MutexLock lock(&mutex_);
    if (taken_.has_value()) taken = *taken_;
  }
  ProcessFigures& figures = taken.figures;

  taken.limits_nanos = options_.clock->NowNanos();
  int64_t start = PreciseNanos();
  absl::StatusOr<CgroupMemory> cgroup = ReadCgroupMemory(options_.root);
  absl::StatusOr<MemoryPressure> pressure = ReadMemoryPressure(options_.root);
  figures.limits.success =
      IsOrIsNotThere(cgroup.status()) && IsOrIsNotThere(pressure.status());
  figures.cgroup = OrNothing(std::move(cgroup));
  figures.pressure = OrNothing(std::move(pressure));
  figures.oom_eta_seconds = Forecast(pools, figures.cgroup);
  figures.limits.duration_seconds = Seconds(PreciseNanos() - start);

  if (taken.limits_nanos >= next_malloc_nanos_) {
    taken.malloc_nanos = options_.clock->NowNanos();
    start = PreciseNanos();
    figures.malloc_figures = OrNothing(options_.read_malloc());
    const int64_t took = PreciseNanos() - start;
    figures.malloc.success = figures.malloc_figures.has_value();
    figures.malloc.duration_seconds = Seconds(took);
    next_malloc_nanos_ = taken.malloc_nanos + took * kMallocCostFactor;
  }
  MutexLock lock(&mutex_);
  taken_ = std::move(taken);
}

std::optional<ProcessFigures> ProcessMonitor::Latest() const {
  Taken taken;
  {
    MutexLock lock(&mutex_);
    if (!taken_.has_value()) return std::nullopt;
    taken = *taken_;
  }
  const int64_t now = options_.clock->NowNanos();
  taken.figures.limits.age_seconds = Seconds(now - taken.limits_nanos);
  taken.figures.malloc.age_seconds = Seconds(now - taken.malloc_nanos);
  return std::move(taken.figures);
}

}  // namespace poolscope
