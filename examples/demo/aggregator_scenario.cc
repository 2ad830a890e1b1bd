#include "poolscope/examples/demo/aggregator_scenario.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "poolscope/allocator/leak/live_allocations.h"
#include "poolscope/allocator/outbound/memory_governor.h"
#include "poolscope/allocator/outbound/memory_use.h"
#include "poolscope/allocator/pool/pool_options.h"
#include "poolscope/examples/demo/aggregator.h"
#include "poolscope/examples/demo/aggregator_report.h"
#include "poolscope/examples/demo/byte_size.h"
#include "poolscope/examples/demo/chunk_holders.h"
#include "poolscope/examples/demo/monotonic_time.h"
#include "poolscope/examples/demo/print_line.h"
#include "poolscope/examples/demo/sizing.h"
#include "poolscope/exporter/sidecar.h"
#include "poolscope/metrics/call_site.h"
#include "poolscope/metrics/process/process_memory.h"

namespace poolscope::demo {
namespace {

constexpr absl::Duration kReportInterval = absl::Seconds(1);
// How often peaks and refusals are looked at.
constexpr absl::Duration kTick = absl::Milliseconds(20);
constexpr int kLinesPerHeader = 20;
// How long the end waits for answers under way: the store is slow.
constexpr absl::Duration kDrainTimeout = absl::Seconds(60);
constexpr size_t kChunksShown = 8;

// The load. The store keeps up with its mean, and not with its bursts.
constexpr uint32_t kMinMessageBytes = 1 << 10;
constexpr double kStoreBytesPerSecond = 80 << 20;
constexpr BurstSchedule kBursts{absl::Seconds(10), 0.25};

AggregatorSample TakeSample(const Aggregator& aggregator, DemoService& service,
                            const MemoryGovernor* governor,
                            absl::Duration start) {
  AggregatorSample sample;
  sample.elapsed = MonotonicNow() - start;
  sample.messages = aggregator.counts().Totals();
  sample.round_trips = aggregator.round_trips().Snapshot();
  sample.pool = service.pool().Stats();
  sample.outbound = service.channels().Stats();
  if (governor != nullptr) sample.governor = governor->Stats();
  const absl::StatusOr<ProcessMemory> memory = ReadProcessMemory("/proc");
  if (memory.ok()) sample.resident_bytes = memory->resident_bytes;
  const AggregatorCounters& counters = aggregator.counters();
  sample.refused_huge = counters.refused_huge;
  sample.refused_chunk = counters.refused_chunk;
  sample.given_up = counters.given_up;
  sample.consolidations = counters.consolidations;
  sample.postponed = counters.postponed;
  sample.assembling_bytes = static_cast<uint64_t>(
      std::max<int64_t>(0, counters.assembling_bytes.load()));
  return sample;
}

std::string HoldersText(DemoService& service) {
  StatsOptions with_chunks;
  with_chunks.chunks = true;
  const ChunkHolders holders =
      FindChunkHolders(service.pool().Stats(with_chunks));
  const LiveAllocations live = service.detector().Live();
  absl::flat_hash_map<uint64_t, size_t> stacks;
  for (const LiveAllocation& block : live.allocations) {
    stacks.emplace(block.allocation.id, block.stack);
  }
  return ChunkHoldersText(holders, kChunksShown, [&](uint64_t id) {
    const auto stack = stacks.find(id);
    return stack == stacks.end() ? std::string()
                                 : CallSite(live.stacks[stack->second]);
  });
}

std::string Opening(const DemoOptions& options, DemoService& service,
                    const AggregatorOptions& aggregator) {
  const MessageSizes& sizes = aggregator.sizes;
  const auto bytes = [](double n) {
    return FormatByteSize(static_cast<uint64_t>(n));
  };
  std::string text = absl::StrCat("scenario ", options.scenario->name, ": ",
                                  options.scenario->description, "\n");
  absl::StrAppendFormat(
      &text,
      "%g messages/s x %s in the mean = %s/s, all within the first %g of each "
      "%s; the store takes %s/s\n"
      "1 message in %.0f is above 8 MiB, 1 in %.0f above 50 MiB\n",
      aggregator.rate, bytes(sizes.mean_bytes()),
      bytes(aggregator.rate * sizes.mean_bytes()), aggregator.bursts.share,
      absl::FormatDuration(aggregator.bursts.period),
      bytes(aggregator.store_bytes_per_second), 1 / sizes.ShareAbove(8 << 20),
      1 / sizes.ShareAbove(50 << 20));
  absl::StrAppendFormat(
      &text, "governor %s; an empty chunk is unmapped after %s\n\n",
      aggregator.governor == nullptr ? "off" : "on",
      absl::FormatDuration(service.pool().options().empty_chunk_decay));
  absl::StrAppend(
      &text, service.Pages(),
      options.duration == absl::ZeroDuration()
          ? std::string("runs until Ctrl-C")
          : absl::StrCat("runs for ", absl::FormatDuration(options.duration)),
      ", or until ", kMaxRefusals, " messages were refused\n");
  return text;
}

// Prints a line a second until the end has come, and says why it has; nothing
// when that is a signal. Raises the summary's peaks.
std::optional<std::string> Report(const DemoOptions& options,
                                  const Aggregator& aggregator,
                                  DemoService& service,
                                  const MemoryGovernor* governor,
                                  absl::Duration start, StopSignal& stop,
                                  AggregatorSummary* summary, std::FILE* out) {
  const absl::Duration end = options.duration == absl::ZeroDuration()
                                 ? absl::InfiniteDuration()
                                 : start + options.duration;
  AggregatorSample before = TakeSample(aggregator, service, governor, start);
  absl::Duration next_line = start + kReportInterval;
  int lines = 0;
  while (!stop.WaitUntil(std::min(MonotonicNow() + kTick, end))) {
    AggregatorSample now = TakeSample(aggregator, service, governor, start);
    summary->peak_pinned_bytes =
        std::max(summary->peak_pinned_bytes,
                 now.pool.pinned_bytes + now.pool.huge_used_bytes);
    summary->peak_assembling_bytes =
        std::max(summary->peak_assembling_bytes, now.assembling_bytes);
    const bool refused_enough = now.refused() >= kMaxRefusals;
    const absl::Duration woken = MonotonicNow();
    if (woken >= next_line) {
      if (lines++ % kLinesPerHeader == 0) PrintLine(AggregatorHeader(), out);
      PrintLine(AggregatorLine(before, now), out);
      before = std::move(now);
      next_line += kReportInterval;
    }
    if (refused_enough) {
      return absl::StrCat(kMaxRefusals, " messages were refused");
    }
    if (woken >= end) return "the duration is over";
  }
  return std::nullopt;
}

// How long it takes until what nobody uses has gone back: caches first, at the
// second look after their idle time at the latest, then the chunks that they
// held.
absl::Duration Rest(const PoolOptions& pool) {
  const absl::Duration decay =
      pool.empty_chunk_decay == absl::InfiniteDuration()
          ? absl::ZeroDuration()
          : pool.empty_chunk_decay;
  return 2 * pool.thread_cache_idle_trim + decay + absl::Seconds(3);
}

// The story's plan, made for the mean message, beside what came.
std::string PlanText(const DemoOptions& options,
                     const AggregatorOptions& aggregator,
                     const AggregatorSummary& summary) {
  const AllocatorStats& pool = summary.end.pool;
  SizingInput input;
  input.rate = aggregator.rate;
  input.round_trip = options.scenario->max_delay;
  input.message_bytes = static_cast<uint64_t>(aggregator.sizes.mean_bytes());
  input.arenas = pool.arenas.size();
  input.threads = static_cast<uint64_t>(aggregator.workers);
  input.chunk_bytes = pool.chunk_size_bytes;
  input.thread_cache_bytes = PoolOptions{}.thread_cache_initial_bytes;
  input.channels = 1;  // to the store
  input.limit_bytes = pool.direct_limit_bytes;
  Measured measured;
  measured.payload_bytes = summary.peak_pinned_bytes;
  measured.floor_bytes = pool.direct_used_bytes;
  measured.peak_bytes = pool.direct_peak_bytes;
  return SizingText(input, Predict(input), options.budget_bytes, measured);
}

// Whether what was sent and what became of it add up, and every buffer is back.
absl::Status CheckBooks(const AggregatorSummary& summary) {
  const MessageTotals& messages = summary.end.messages;
  if (summary.unanswered != messages.in_flight) {
    return absl::InternalError(absl::StrFormat(
        "%d messages have no answer, but %d are counted as in flight",
        summary.unanswered, messages.in_flight));
  }
  const AllocatorStats& pool = summary.end.pool;
  if (pool.pinned_bytes + pool.huge_used_bytes != 0) {
    return absl::InternalError(
        absl::StrFormat("%d bytes are pinned after the aggregator has ended",
                        pool.pinned_bytes + pool.huge_used_bytes));
  }
  for (const OutboundGroupStats& group : summary.end.outbound.groups) {
    if (group.pending_bytes == 0) continue;
    return absl::InternalError(
        absl::StrFormat("%d bytes of group %s are pending after its channels "
                        "have closed",
                        group.pending_bytes, group.group));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RunAggregator(const DemoOptions& options, DemoService& service,
                           StopSignal& stop, std::FILE* out) {
  std::unique_ptr<MemoryGovernor> governor;
  const absl::Cleanup unregister = [&] {
    service.sidecar().UnregisterGovernor(governor.get());
  };
  const MemoryGovernorOptions governor_options;
  if (options.governor) {
    governor = std::make_unique<MemoryGovernor>(governor_options, [&service] {
      return MemoryUseOf(service.pool().Stats());
    });
    const absl::Status status =
        service.sidecar().RegisterGovernor(governor.get());
    if (!status.ok()) return status;
  }
  AggregatorOptions aggregator_options;
  aggregator_options.pool = &service.pool();
  aggregator_options.allocator = &service.allocator();
  aggregator_options.channels = &service.channels();
  aggregator_options.governor = governor.get();
  aggregator_options.consolidate_below = governor_options.pause_above;
  aggregator_options.workers = options.workers;
  aggregator_options.connections = options.connections;
  aggregator_options.rate = options.rate;
  aggregator_options.sizes = MessageSizes(
      kMinMessageBytes, static_cast<uint32_t>(options.message_bytes));
  aggregator_options.bursts = kBursts;
  aggregator_options.store_bytes_per_second = kStoreBytesPerSecond;
  aggregator_options.seed = options.seed;
  absl::StatusOr<std::unique_ptr<Aggregator>> aggregator =
      Aggregator::Start(aggregator_options);
  if (!aggregator.ok()) return aggregator.status();
  const absl::Duration start = MonotonicNow();
  PrintLine(Opening(options, service, aggregator_options), out);

  AggregatorSummary summary;
  const std::optional<std::string> end_reason =
      Report(options, **aggregator, service, governor.get(), start, stop,
             &summary, out);
  if (!end_reason.has_value()) stop.Release();
  summary.end_reason = end_reason.value_or("a signal came");
  summary.load_end = TakeSample(**aggregator, service, governor.get(), start);
  summary.holders_at_load_end = HoldersText(service);
  const TrafficResult result = (*aggregator)->Finish(kDrainTimeout);
  summary.end = TakeSample(**aggregator, service, governor.get(), start);
  summary.holders_at_end = HoldersText(service);
  summary.end.messages = result.totals;
  summary.unanswered = result.unanswered;
  summary.first_refusal = (*aggregator)->counters().first_refusal();
  summary.first_broken = (*aggregator)->counters().first_broken();
  summary.sizing = PlanText(options, aggregator_options, summary);
  if (end_reason.has_value()) {
    summary.rest = Rest(service.pool().options());
    PrintLine(absl::StrCat("\nThe load is over; resting for ",
                           absl::FormatDuration(summary.rest),
                           " to see what goes back"),
              out);
    static_cast<void>(stop.WaitUntil(MonotonicNow() + summary.rest));
    stop.Release();
    summary.rested = TakeSample(**aggregator, service, governor.get(), start);
    summary.holders_after_rest = HoldersText(service);
  }
  PrintLine(AggregatorSummaryText(summary), out);
  return CheckBooks(summary);
}

}  // namespace poolscope::demo
