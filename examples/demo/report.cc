#include "poolscope/examples/demo/report.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "poolscope/examples/demo/byte_size.h"

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

std::string Failures(const MessageTotals& messages) {
  std::string text = absl::StrCat(messages.failed_total(), " failed");
  const char* separator = " (";
  for (int i = 0; i < kFailureCount; ++i) {
    const Failure failure = static_cast<Failure>(i);
    if (messages.failed_by(failure) == 0) continue;
    absl::StrAppend(&text, separator, messages.failed_by(failure), " ",
                    FailureName(failure));
    separator = ", ";
  }
  if (messages.failed_total() > 0) text += ')';
  return text;
}

constexpr char kLineFormat[] =
    "%6s %8s %8s %8s %8s %8s %9s %10s %10s %10s %10s %10s";

}  // namespace

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
                         "p50 ms", "p99 ms", "in flight", "used", "pinned",
                         "cached", "limit", "RSS");
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
      FormatByteSize(now.pool.direct_used_bytes),
      FormatByteSize(PinnedBytes(now.pool)),
      FormatByteSize(now.pool.cached_bytes),
      FormatByteSize(now.pool.direct_limit_bytes),
      now.resident_bytes.has_value() ? FormatByteSize(*now.resident_bytes)
                                     : "-");
}

std::string SummaryText(const Summary& summary) {
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
      seconds, end.messages.sent, end.messages.answered, Failures(end.messages),
      summary.unanswered);
  absl::StrAppendFormat(&text, "  round trip     p50 %s ms, p99 %s ms\n",
                        Millis(end.round_trips.Percentile(0.5)),
                        Millis(end.round_trips.Percentile(0.99)));
  absl::StrAppendFormat(
      &text,
      "  direct memory  peak %s of %s; payload in flight at most %s (sampled); "
      "pinned at the end %s\n",
      FormatByteSize(pool.direct_peak_bytes),
      FormatByteSize(pool.direct_limit_bytes),
      FormatByteSize(summary.peak_pinned_bytes),
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
