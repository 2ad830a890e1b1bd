#include "poolscope/examples/demo/demo.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/allocator/leak/leak_detector.h"
#include "poolscope/allocator/pool/pool_options.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/examples/demo/forget_message.h"
#include "poolscope/examples/demo/monotonic_time.h"
#include "poolscope/examples/demo/report.h"
#include "poolscope/examples/demo/stop_signal.h"
#include "poolscope/examples/demo/traffic.h"
#include "poolscope/exporter/sidecar.h"
#include "poolscope/metrics/process/process_memory.h"

namespace poolscope::demo {
namespace {

constexpr absl::Duration kReportInterval = absl::Seconds(1);
constexpr int kLinesPerHeader = 20;
// How long the end waits for answers under way.
constexpr absl::Duration kDrainTimeout = absl::Seconds(5);

void Print(const std::string& text, std::FILE* out) {
  std::fputs(text.c_str(), out);
  std::fputc('\n', out);
  std::fflush(out);  // also where it is read through a pipe
}

Sample TakeSample(const Traffic& traffic, const PooledAllocator& pool,
                  absl::Duration start) {
  Sample sample;
  sample.elapsed = MonotonicNow() - start;
  sample.messages = traffic.counts().Totals();
  sample.round_trips = traffic.round_trips().Snapshot();
  sample.pool = pool.Stats();
  const absl::StatusOr<ProcessMemory> memory = ReadProcessMemory("/proc");
  if (memory.ok()) sample.resident_bytes = memory->resident_bytes;
  return sample;
}

std::string Opening(const DemoOptions& options, const std::string& url) {
  return absl::StrCat(
      "scenario ", options.scenario->name, ": ", options.scenario->description,
      "\n", ExpectationText(options), "\n\n", "  metrics  ", url, "/metrics\n",
      "  arenas   ", url, "/debug/arenas\n", "  leaks    ", url,
      "/debug/leaks\n", "  heap     ", url, "/debug/pprof/heap\n",
      "  all      ", url, "/\n",
      options.duration == absl::ZeroDuration()
          ? std::string("runs until Ctrl-C\n")
          : absl::StrCat("runs for ", absl::FormatDuration(options.duration),
                         "\n"));
}

// Prints a line a second until the end has come; returns the largest pinned
// figure seen.
uint64_t Report(const DemoOptions& options, const Traffic& traffic,
                const PooledAllocator& pool, absl::Duration start,
                StopSignal& stop, std::FILE* out) {
  const absl::Duration end = options.duration == absl::ZeroDuration()
                                 ? absl::InfiniteDuration()
                                 : start + options.duration;
  uint64_t peak_pinned = 0;
  Sample before = TakeSample(traffic, pool, start);
  absl::Duration next = start + kReportInterval;
  int lines = 0;
  while (!stop.WaitUntil(std::min(next, end))) {
    if (MonotonicNow() >= next) {
      Sample now = TakeSample(traffic, pool, start);
      if (lines++ % kLinesPerHeader == 0) Print(ReportHeader(), out);
      Print(ReportLine(before, now), out);
      peak_pinned = std::max(peak_pinned, PinnedBytes(now.pool));
      before = std::move(now);
      next += kReportInterval;
    }
    if (MonotonicNow() >= end) break;
  }
  return peak_pinned;
}

// Whether what was sent and what became of it add up, and every buffer is back.
absl::Status CheckBooks(const Summary& summary) {
  if (summary.unanswered != summary.end.messages.in_flight) {
    return absl::InternalError(absl::StrFormat(
        "%d messages have no answer, but %d are counted as in flight",
        summary.unanswered, summary.end.messages.in_flight));
  }
  // What a scenario forgets on purpose is all that may be missing.
  if (PinnedBytes(summary.end.pool) != ForgottenBytes()) {
    return absl::InternalError(absl::StrFormat(
        "%d bytes are pinned after the relay has ended, %d are forgotten",
        PinnedBytes(summary.end.pool), ForgottenBytes()));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RunDemo(const DemoOptions& options, std::FILE* out) {
  absl::StatusOr<StopSignal> stop = StopSignal::Create();
  if (!stop.ok()) return stop.status();
  absl::Status status = ReserveDescriptors(options);
  if (!status.ok()) return status;

  PoolOptions pool_options;
  pool_options.name = "demo";
  pool_options.max_direct_memory_bytes = options.max_direct_memory_bytes;
  pool_options.arenas = options.arenas;
  pool_options.layout = options.layout;
  LeakDetectorOptions detector_options;
  detector_options.allocator = pool_options.name;
  detector_options.level = options.leak_detection;
  detector_options.suspect_after = options.suspect_after;
  const absl::StatusOr<std::shared_ptr<LeakDetector>> detector =
      LeakDetector::Create(std::move(detector_options));
  if (!detector.ok()) return detector.status();
  pool_options.observer = *detector;
  absl::StatusOr<std::unique_ptr<PooledAllocator>> created =
      PooledAllocator::Create(pool_options);
  if (!created.ok()) return created.status();
  const std::unique_ptr<PooledAllocator> pool = *std::move(created);
  (*detector)->ControlSampling(
      [&pool](size_t bytes) { pool->SetSampleInterval(bytes); });
  const std::unique_ptr<BufferAllocator> allocator =
      BufferAllocator::Pooled(pool.get(), *detector);

  SidecarOptions sidecar_options;
  sidecar_options.listen_address = options.listen;
  absl::StatusOr<std::unique_ptr<Sidecar>> sidecar =
      Sidecar::Start(sidecar_options);
  if (!sidecar.ok()) return sidecar.status();
  status = (*sidecar)->RegisterAllocator(pool.get(), *detector);
  if (!status.ok()) return status;

  absl::StatusOr<std::unique_ptr<Traffic>> traffic =
      Traffic::Start(options, allocator.get());
  if (!traffic.ok()) return traffic.status();
  const absl::Duration start = MonotonicNow();
  Print(Opening(options, (*sidecar)->url()), out);

  Summary summary;
  summary.peak_pinned_bytes =
      Report(options, **traffic, *pool, start, *stop, out);
  stop->Release();
  const TrafficResult result = (*traffic)->Finish(kDrainTimeout);
  summary.end = TakeSample(**traffic, *pool, start);
  summary.end.messages = result.totals;
  summary.unanswered = result.unanswered;
  summary.first_refusal = (*traffic)->relay().first_refusal();
  summary.first_broken = (*traffic)->relay().first_broken();
  Print(SummaryText(summary), out);
  (*sidecar)->Stop();
  return CheckBooks(summary);
}

}  // namespace poolscope::demo
