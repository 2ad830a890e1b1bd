#include "poolscope/examples/demo/aggregator_report.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "poolscope/examples/demo/byte_size.h"

namespace poolscope::demo {
namespace {

constexpr char kLineFormat[] =
    "%6s %7s %7s %7s %8s %9s %10s %9s %9s %9s %9s %9s %14s %8s %6s %9s";

// What the service in whose story this is saw, in percent of its failures.
constexpr int kReportedHugePercent = 95;
constexpr int kReportedChunkPercent = 5;

uint64_t Pinned(const AllocatorStats& stats) {
  return stats.pinned_bytes + stats.huge_used_bytes;
}

std::string PerSecond(uint64_t before, uint64_t now, absl::Duration interval) {
  const double seconds = absl::ToDoubleSeconds(interval);
  if (seconds <= 0) return "-";
  return absl::StrFormat("%.0f", static_cast<double>(now - before) / seconds);
}

std::string Millis(std::optional<absl::Duration> duration) {
  if (!duration.has_value()) return "-";
  return absl::StrFormat("%.0f", absl::ToDoubleMilliseconds(*duration));
}

uint64_t PendingBytes(const OutboundStats& stats) {
  uint64_t bytes = 0;
  for (const OutboundGroupStats& group : stats.groups) {
    bytes += group.pending_bytes;
  }
  return bytes;
}

std::array<uint64_t, kChunkListCount> ChunksByList(
    const AllocatorStats& stats) {
  std::array<uint64_t, kChunkListCount> chunks{};
  for (const ArenaStats& arena : stats.arenas) {
    for (size_t list = 0; list < chunks.size(); ++list) {
      chunks[list] += arena.lists[list].chunks;
    }
  }
  return chunks;
}

// "0/2/0/5/7/3", in the order of the lists.
std::string ListsText(const AllocatorStats& stats) {
  std::string text;
  for (const uint64_t chunks : ChunksByList(stats)) {
    absl::StrAppend(&text, text.empty() ? "" : "/", chunks);
  }
  return text;
}

std::string SplitText(const AggregatorSample& end) {
  if (end.refused() == 0) return "  refusals       none\n";
  const double huge = 100.0 * static_cast<double>(end.refused_huge) /
                      static_cast<double>(end.refused());
  return absl::StrFormat(
      "  refusals       %d: %d at a huge block, %d at a new chunk = %.0f / "
      "%.0f "
      "%%; reported from production: %d / %d\n",
      end.refused(), end.refused_huge, end.refused_chunk, huge, 100 - huge,
      kReportedHugePercent, kReportedChunkPercent);
}

std::string GovernorText(const AggregatorSample& end) {
  if (!end.governor.has_value()) return "  governor       off\n";
  return absl::StrFormat(
      "  governor       %d pauses, %d resumes, %d messages given up\n",
      end.governor->pauses, end.governor->resumes, end.given_up);
}

std::string ArenasText(const AllocatorStats& stats) {
  uint64_t most = 0;
  uint64_t chunks = 0;
  for (const ArenaStats& arena : stats.arenas) {
    const uint64_t here = arena.chunk_allocations - arena.chunk_deallocations;
    chunks += here;
    most = std::max(most, here);
  }
  return absl::StrFormat("%d arenas with %d chunks of %s, at most %d in one",
                         stats.arenas.size(), chunks,
                         FormatByteSize(stats.chunk_size_bytes), most);
}

std::string ChunksText(absl::string_view when, const AggregatorSample& sample,
                       absl::string_view holders) {
  return absl::StrCat("  chunks, ", when, "\n    ", ArenasText(sample.pool),
                      "; huge ", FormatByteSize(sample.pool.huge_used_bytes),
                      "\n    by list (qinit/q000/q025/q050/q075/q100) ",
                      ListsText(sample.pool), "\n    ", holders);
}

}  // namespace

std::string AggregatorHeader() {
  return absl::StrFormat(kLineFormat, "time", "sent/s", "answ/s", "fail/s",
                         "p99 ms", "in flight", "assembling", "to store",
                         "pinned", "huge", "used", "limit", "chunks by list",
                         "refused", "paused", "RSS");
}

std::string AggregatorLine(const AggregatorSample& before,
                           const AggregatorSample& now) {
  const absl::Duration interval = now.elapsed - before.elapsed;
  return absl::StrFormat(
      kLineFormat, absl::StrFormat("%.0fs", absl::ToDoubleSeconds(now.elapsed)),
      PerSecond(before.messages.sent, now.messages.sent, interval),
      PerSecond(before.messages.answered, now.messages.answered, interval),
      PerSecond(before.messages.failed_total(), now.messages.failed_total(),
                interval),
      Millis(now.round_trips.Since(before.round_trips).Percentile(0.99)),
      absl::StrCat(now.messages.in_flight),
      FormatByteSize(now.assembling_bytes),
      FormatByteSize(PendingBytes(now.outbound)),
      FormatByteSize(Pinned(now.pool)),
      FormatByteSize(now.pool.huge_used_bytes),
      FormatByteSize(now.pool.direct_used_bytes),
      FormatByteSize(now.pool.direct_limit_bytes), ListsText(now.pool),
      absl::StrCat(now.refused()),
      now.governor.has_value() ? absl::StrCat(now.governor->paused_members)
                               : std::string("-"),
      now.resident_bytes.has_value() ? FormatByteSize(*now.resident_bytes)
                                     : std::string("-"));
}

std::string AggregatorSummaryText(const AggregatorSummary& summary) {
  const AggregatorSample& end = summary.end;
  std::string text = absl::StrFormat(
      "\nSummary after %.1f s of load: %s\n"
      "  messages       %d sent, %d answered, %s, %d in flight at the end\n"
      "  round trip     p50 %s ms, p99 %s ms\n",
      absl::ToDoubleSeconds(summary.load_end.elapsed), summary.end_reason,
      end.messages.sent, end.messages.answered, FailuresText(end.messages),
      summary.unanswered, Millis(end.round_trips.Percentile(0.5)),
      Millis(end.round_trips.Percentile(0.99)));
  absl::StrAppend(&text, SplitText(end));
  if (!summary.first_refusal.empty()) {
    absl::StrAppend(&text, "  first refusal  ", summary.first_refusal, "\n");
  }
  absl::StrAppendFormat(&text,
                        "  consolidations %d, and %d put off for want of "
                        "room\n",
                        end.consolidations, end.postponed);
  absl::StrAppend(&text, GovernorText(end));
  absl::StrAppendFormat(
      &text,
      "  direct memory  peak %s of %s; at most %s pinned, %s of it assembling "
      "(sampled); pinned at the end %s\n",
      FormatByteSize(end.pool.direct_peak_bytes),
      FormatByteSize(end.pool.direct_limit_bytes),
      FormatByteSize(summary.peak_pinned_bytes),
      FormatByteSize(summary.peak_assembling_bytes),
      FormatByteSize(Pinned(end.pool)));
  absl::StrAppend(&text, summary.sizing,
                  ChunksText("when the load ended", summary.load_end,
                             summary.holders_at_load_end),
                  ChunksText("when all was over", end, summary.holders_at_end));
  if (summary.rest > absl::ZeroDuration()) {
    absl::StrAppend(
        &text,
        ChunksText(absl::StrCat("after ", absl::FormatDuration(summary.rest),
                                " of rest"),
                   summary.rested, summary.holders_after_rest));
  }
  if (!summary.first_broken.empty()) {
    absl::StrAppend(&text, "  first broken connection  ", summary.first_broken,
                    "\n");
  }
  return text;
}

}  // namespace poolscope::demo
