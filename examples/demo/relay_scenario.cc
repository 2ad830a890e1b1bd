#include "poolscope/examples/demo/relay_scenario.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "poolscope/allocator/outbound/memory_governor.h"
#include "poolscope/allocator/outbound/memory_use.h"
#include "poolscope/examples/demo/forget_message.h"
#include "poolscope/examples/demo/monotonic_time.h"
#include "poolscope/examples/demo/print_line.h"
#include "poolscope/examples/demo/report.h"
#include "poolscope/examples/demo/traffic.h"
#include "poolscope/metrics/process/process_memory.h"

namespace poolscope::demo {
namespace {

constexpr absl::Duration kReportInterval = absl::Seconds(1);
// How often peaks are looked for.
constexpr absl::Duration kTick = absl::Milliseconds(100);
constexpr int kLinesPerHeader = 20;
// How long the end waits for answers under way.
constexpr absl::Duration kDrainTimeout = absl::Seconds(5);

Sample TakeSample(const Traffic& traffic, DemoService& service,
                  absl::Duration start) {
  Sample sample;
  sample.elapsed = MonotonicNow() - start;
  sample.messages = traffic.counts().Totals();
  sample.round_trips = traffic.round_trips().Snapshot();
  sample.pool = service.pool().Stats();
  sample.outbound = service.channels().Stats();
  const absl::StatusOr<ProcessMemory> memory = ReadProcessMemory("/proc");
  if (memory.ok()) sample.resident_bytes = memory->resident_bytes;
  return sample;
}

std::string Opening(const DemoOptions& options, const DemoService& service) {
  return absl::StrCat(
      "scenario ", options.scenario->name, ": ", options.scenario->description,
      "\n", ExpectationText(options), "\n\n", service.Pages(),
      options.duration == absl::ZeroDuration()
          ? std::string("runs until Ctrl-C\n")
          : absl::StrCat("runs for ", absl::FormatDuration(options.duration),
                         "\n"));
}

void RaisePeaks(const DemoOptions& options, const Sample& now, Peaks* peaks) {
  const auto raise = [](uint64_t* peak, uint64_t value) {
    *peak = std::max(*peak, value);
  };
  raise(&peaks->pinned_bytes, PinnedBytes(now.pool));
  raise(&peaks->backlog_bytes, BacklogBytes(now.outbound));
  uint64_t messages = 0;
  uint64_t bytes = 0;
  for (const OutboundGroupStats& group : now.outbound.groups) {
    messages += group.admission_queue_messages;
    bytes += group.admission_queue_bytes;
  }
  raise(&peaks->admission_queue_messages, messages);
  raise(&peaks->admission_queue_bytes, bytes);
  if (options.stall == absl::ZeroDuration() ||
      now.elapsed < options.stall_after) {
    raise(&peaks->calm_pinned_bytes, PinnedBytes(now.pool));
    raise(&peaks->calm_used_bytes, now.pool.direct_used_bytes);
  }
}

// Prints a line a second until the end has come; returns the peaks seen.
Peaks Report(const DemoOptions& options, const Traffic& traffic,
             DemoService& service, absl::Duration start, StopSignal& stop,
             std::FILE* out) {
  const absl::Duration end = options.duration == absl::ZeroDuration()
                                 ? absl::InfiniteDuration()
                                 : start + options.duration;
  Peaks peaks;
  Sample before = TakeSample(traffic, service, start);
  absl::Duration next_line = start + kReportInterval;
  absl::Duration next_tick = start + kTick;
  int lines = 0;
  while (!stop.WaitUntil(std::min({next_line, next_tick, end}))) {
    const absl::Duration woken = MonotonicNow();
    Sample now = TakeSample(traffic, service, start);
    RaisePeaks(options, now, &peaks);
    next_tick = woken + kTick;
    if (woken >= next_line) {
      if (lines++ % kLinesPerHeader == 0) PrintLine(ReportHeader(), out);
      PrintLine(ReportLine(before, now), out);
      before = std::move(now);
      next_line += kReportInterval;
    }
    if (woken >= end) break;
  }
  return peaks;
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
  for (const OutboundGroupStats& group : summary.end.outbound.groups) {
    if (group.pending_bytes == 0 && group.pending_messages == 0) continue;
    return absl::InternalError(absl::StrFormat(
        "%d messages, %d bytes, of group %s are pending after its channels "
        "have closed",
        group.pending_messages, group.pending_bytes, group.group));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RunRelay(const DemoOptions& options, DemoService& service,
                      StopSignal& stop, std::FILE* out) {
  std::unique_ptr<MemoryGovernor> governor;
  const auto unregister = absl::MakeCleanup(
      [&] { service.sidecar().UnregisterGovernor(governor.get()); });
  if (options.governor) {
    governor = std::make_unique<MemoryGovernor>(
        MemoryGovernorOptions(),
        [&service] { return MemoryUseOf(service.pool().Stats()); });
    const absl::Status status =
        service.sidecar().RegisterGovernor(governor.get());
    if (!status.ok()) return status;
  }
  absl::StatusOr<std::unique_ptr<Traffic>> traffic = Traffic::Start(
      options, &service.allocator(), &service.channels(), governor.get());
  if (!traffic.ok()) return traffic.status();
  const absl::Duration start = MonotonicNow();
  PrintLine(Opening(options, service), out);

  Summary summary;
  summary.peaks = Report(options, **traffic, service, start, stop, out);
  stop.Release();
  const TrafficResult result = (*traffic)->Finish(kDrainTimeout);
  summary.end = TakeSample(**traffic, service, start);
  summary.end.messages = result.totals;
  summary.unanswered = result.unanswered;
  const RelayCounters& relay = (*traffic)->relay();
  summary.max_in_flight = relay.max_in_flight;
  summary.first_refusal = relay.first_refusal();
  summary.first_broken = relay.first_broken();
  PrintLine(SummaryText(options, summary), out);
  return CheckBooks(summary);
}

}  // namespace poolscope::demo
