#include "poolscope/examples/demo/report.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "poolscope/allocator/outbound/outbound_buffer.h"
#include "poolscope/allocator/pool/pool_options.h"
#include "poolscope/examples/demo/byte_size.h"
#include "poolscope/examples/demo/frame.h"
#include "poolscope/examples/demo/sizing.h"

namespace poolscope::demo {
namespace {

// Milliseconds with one decimal, or a dash.
std::string Millis(std::optional<absl::Duration> duration) {
  if (!duration.has_value()) return "-";
  return absl::StrFormat("%.1f", absl::ToDoubleMilliseconds(*duration));
}

std::string PerSecond(uint64_t before, uint64_t now, absl::Duration interval) {
  const double seconds = absl::ToDoubleSeconds(interval);
  if (seconds <= 0) return "-";
  return absl::StrFormat("%.0f", static_cast<double>(now - before) / seconds);
}

constexpr char kLineFormat[] =
    "%6s %8s %8s %8s %8s %8s %9s %10s %6s %10s %10s %10s %10s %10s";

uint64_t Unwritable(const OutboundStats& stats) {
  uint64_t channels = 0;
  for (const OutboundGroupStats& group : stats.groups) {
    channels += group.unwritable_channels;
  }
  return channels;
}

// What the channels did, and whether their backlog kept its bound.
std::string BacklogText(const DemoOptions& options, const Summary& summary) {
  std::string text =
      absl::StrFormat("  backlog        at most %s (sampled)",
                      FormatByteSize(summary.peaks.backlog_bytes));
  if (options.watermarks.off()) {
    absl::StrAppend(&text, ", without watermarks\n");
  } else {
    const uint64_t message = kFrameHeaderBytes + options.message_bytes;
    const uint64_t channels =
        static_cast<uint64_t>(options.connections + options.workers);
    const uint64_t bound = BacklogBound(channels, options.watermarks.high_bytes,
                                        summary.max_in_flight, message);
    absl::StrAppendFormat(
        &text,
        "; %d channels x (%s + %d answers in flight x (%d + %d)) = %s: %s\n",
        channels, FormatByteSize(options.watermarks.high_bytes),
        summary.max_in_flight, message, OutboundBuffer::kEntryOverheadBytes,
        FormatByteSize(bound),
        summary.peaks.backlog_bytes <= bound ? "kept, as sampled" : "EXCEEDED");
    absl::StrAppendFormat(
        &text, "  admission      at most %d answers, %s, waited (sampled)\n",
        summary.peaks.admission_queue_messages,
        FormatByteSize(summary.peaks.admission_queue_bytes));
  }
  for (const OutboundGroupStats& group : summary.end.outbound.groups) {
    uint64_t failed = 0;
    for (const uint64_t bytes : group.failed_bytes) failed += bytes;
    uint64_t rejected = 0;
    for (const uint64_t messages : group.rejected_messages) {
      rejected += messages;
    }
    absl::StrAppendFormat(
        &text,
        "  %-14s %d bytes queued = %d written + %d failed + %d pending; "
        "unwritable %d times, %.1f s; %d rejected\n",
        group.group, group.queued_bytes, group.written_bytes, failed,
        group.pending_bytes, group.transitions_to_unwritable,
        group.unwritable_seconds, rejected);
  }
  return text;
}

std::string SizingLines(const DemoOptions& options, const Summary& summary) {
  const AllocatorStats& pool = summary.end.pool;
  SizingInput input;
  input.rate = options.rate;
  input.round_trip = options.scenario->max_delay;
  input.message_bytes = options.message_bytes;
  input.arenas = std::min<uint64_t>(pool.arenas.size(),
                                    static_cast<uint64_t>(options.workers));
  input.threads = static_cast<uint64_t>(options.workers);
  input.chunk_bytes = pool.chunk_size_bytes;
  input.thread_cache_bytes = PoolOptions{}.thread_cache_initial_bytes;
  input.channels = static_cast<uint64_t>(options.connections);
  if (!options.watermarks.off()) {
    input.high_watermark = options.watermarks.high_bytes;
  }
  input.stall = options.stall;
  input.limit_bytes = pool.direct_limit_bytes;
  Measured measured;
  measured.payload_bytes = summary.peaks.calm_pinned_bytes;
  measured.floor_bytes = summary.peaks.calm_used_bytes;
  measured.peak_bytes = pool.direct_peak_bytes;
  return SizingText(input, Predict(input), options.budget_bytes, measured);
}

}  // namespace

uint64_t BacklogBytes(const OutboundStats& stats) {
  uint64_t bytes = 0;
  for (const OutboundGroupStats& group : stats.groups) {
    bytes += group.pending_bytes +
             group.pending_messages * OutboundBuffer::kEntryOverheadBytes;
  }
  return bytes;
}

uint64_t PinnedBytes(const AllocatorStats& stats) {
  return stats.pinned_bytes + stats.huge_used_bytes;
}

std::string ExpectationText(const DemoOptions& options) {
  const double low = absl::ToDoubleSeconds(options.scenario->min_delay);
  const double high = absl::ToDoubleSeconds(options.scenario->max_delay);
  const double size = static_cast<double>(options.message_bytes);
  const auto bytes = [](double n) {
    return FormatByteSize(static_cast<uint64_t>(n));
  };
  return absl::StrFormat(
      "%g messages/s x %s = %s/s; in flight %g/s x %.0f to %.0f ms = %.0f to "
      "%.0f messages\n"
      "payload in flight = rate x round trip x size x 2 = %s to %s",
      options.rate, bytes(size), bytes(options.rate * size), options.rate,
      low * 1000, high * 1000, options.rate * low, options.rate * high,
      bytes(options.rate * low * size * 2),
      bytes(options.rate * high * size * 2));
}

std::string ReportHeader() {
  return absl::StrFormat(kLineFormat, "time", "sent/s", "answ/s", "failed/s",
                         "p50 ms", "p99 ms", "in flight", "backlog", "unwr.",
                         "used", "pinned", "cached", "limit", "RSS");
}

std::string ReportLine(const Sample& before, const Sample& now) {
  const absl::Duration interval = now.elapsed - before.elapsed;
  const LatencySnapshot recent = now.round_trips.Since(before.round_trips);
  return absl::StrFormat(
      kLineFormat, absl::StrFormat("%.0fs", absl::ToDoubleSeconds(now.elapsed)),
      PerSecond(before.messages.sent, now.messages.sent, interval),
      PerSecond(before.messages.answered, now.messages.answered, interval),
      PerSecond(before.messages.failed_total(), now.messages.failed_total(),
                interval),
      Millis(recent.Percentile(0.5)), Millis(recent.Percentile(0.99)),
      absl::StrCat(now.messages.in_flight),
      FormatByteSize(BacklogBytes(now.outbound)),
      absl::StrCat(Unwritable(now.outbound)),
      FormatByteSize(now.pool.direct_used_bytes),
      FormatByteSize(PinnedBytes(now.pool)),
      FormatByteSize(now.pool.cached_bytes),
      FormatByteSize(now.pool.direct_limit_bytes),
      now.resident_bytes.has_value() ? FormatByteSize(*now.resident_bytes)
                                     : "-");
}

std::string SummaryText(const DemoOptions& options, const Summary& summary) {
  const Sample& end = summary.end;
  const AllocatorStats& pool = end.pool;
  uint64_t hits = 0;
  uint64_t requests = 0;
  for (const ThreadCacheKindStats& kind : pool.thread_cache_by_kind) {
    hits += kind.hits;
    requests += kind.requests;
  }
  uint64_t reserved = 0;
  uint64_t chunks = 0;
  for (const ArenaStats& arena : pool.arenas) {
    reserved += arena.reserved_bytes;
    chunks += arena.chunk_allocations - arena.chunk_deallocations;
  }
  const double seconds = absl::ToDoubleSeconds(end.elapsed);
  std::string text = absl::StrFormat(
      "\nSummary after %.1f s\n"
      "  messages       %d sent, %d answered, %s, %d in flight at the end\n",
      seconds, end.messages.sent, end.messages.answered,
      FailuresText(end.messages), summary.unanswered);
  absl::StrAppendFormat(&text, "  round trip     p50 %s ms, p99 %s ms\n",
                        Millis(end.round_trips.Percentile(0.5)),
                        Millis(end.round_trips.Percentile(0.99)));
  absl::StrAppendFormat(
      &text,
      "  direct memory  peak %s of %s; payload in flight at most %s (sampled); "
      "pinned at the end %s\n",
      FormatByteSize(pool.direct_peak_bytes),
      FormatByteSize(pool.direct_limit_bytes),
      FormatByteSize(summary.peaks.pinned_bytes),
      FormatByteSize(PinnedBytes(pool)));
  absl::StrAppendFormat(
      &text,
      "  thread caches  %.2f %% of %d requests were hits, %d remote frees\n",
      requests == 0
          ? 0.0
          : 100.0 * static_cast<double>(hits) / static_cast<double>(requests),
      requests, pool.remote_frees);
  absl::StrAppendFormat(&text, "  arenas         %d, with %d chunks of %s\n",
                        pool.arenas.size(), chunks, FormatByteSize(reserved));
  absl::StrAppend(&text, BacklogText(options, summary),
                  SizingLines(options, summary));
  if (!summary.first_refusal.empty()) {
    absl::StrAppend(&text, "  first refusal  ", summary.first_refusal, "\n");
  }
  if (!summary.first_broken.empty()) {
    absl::StrAppend(&text, "  first broken connection  ", summary.first_broken,
                    "\n");
  }
  return text;
}

}  // namespace poolscope::demo
