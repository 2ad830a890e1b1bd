#include "poolscope/examples/demo/websocket_report.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "poolscope/examples/demo/byte_size.h"
#include "poolscope/metrics/process/memory_owner.h"

namespace poolscope::demo {
namespace {

constexpr char kLineFormat[] =
    "%6s %7s %8s %10s %10s %10s %10s %10s %6s %10s %10s %10s %10s";

// deflateInit2() with a window of 2^15 and zlib's default level of memory asks
// for 2^17 + 2^17 bytes, and its own records.
constexpr uint64_t kDeflateStateBytes = (256 + 6) << 10;

std::string Bytes(uint64_t bytes) { return FormatByteSize(bytes); }

// As malloc's columns, which are dashes where malloc is not glibc's.
template <typename F>
std::string OfMalloc(const WebSocketSample& sample, F f) {
  return sample.malloc.has_value() ? f(*sample.malloc) : std::string("-");
}

// 0 where the walk has no such category.
uint64_t ResidentOf(const WebSocketSample& sample, absl::string_view category) {
  for (const NativeMemoryCategoryStats& found : sample.walk.categories) {
    if (found.name == category) return found.resident_bytes;
  }
  return 0;
}

int64_t Growth(uint64_t before, uint64_t after) {
  return static_cast<int64_t>(after) - static_cast<int64_t>(before);
}

std::string SignedBytes(int64_t bytes) {
  return bytes < 0 ? absl::StrCat("-", Bytes(static_cast<uint64_t>(-bytes)))
                   : Bytes(static_cast<uint64_t>(bytes));
}

// "    Glibc Thread Arenas         2.4 GiB   97.30 %".
void AppendRow(absl::string_view name, int64_t bytes, int64_t whole,
               std::string* text) {
  absl::StrAppendFormat(
      text, "    %-24s %10s %7.2f %%\n", name, SignedBytes(bytes),
      whole == 0
          ? 0.0
          : 100.0 * static_cast<double>(bytes) / static_cast<double>(whole));
}

// How much more of a category is resident; what shrank is negative.
int64_t GrowthOf(absl::string_view category, const WebSocketSample& before,
                 const WebSocketSample& now) {
  return Growth(ResidentOf(before, category), ResidentOf(now, category));
}

}  // namespace

std::string WebSocketExpectationText(const DemoOptions& options,
                                     const WebSocketLimits& limits) {
  const uint64_t connections = static_cast<uint64_t>(options.connections);
  std::string text = absl::StrFormat(
      "%d connections, one each %s, on %d threads\n", connections,
      absl::FormatDuration(options.connect_delay), options.workers);
  if (options.connect_message_bytes == 0) {
    absl::StrAppend(&text,
                    "no message on connect: zlib has nothing to do, and its "
                    "state is never made\n");
  } else {
    absl::StrAppendFormat(
        &text,
        "message on connect: deflate state = %d x %s = %s of malloc, while the "
        "pool holds a message of %s until it is written\n",
        connections, Bytes(kDeflateStateBytes),
        Bytes(connections * kDeflateStateBytes),
        Bytes(options.connect_message_bytes));
  }
  absl::StrAppendFormat(
      &text,
      "limits: handshake %s, ping after %s of silence, end after %s, close "
      "within %s",
      absl::FormatDuration(limits.handshake),
      absl::FormatDuration(limits.ping_after),
      absl::FormatDuration(limits.idle), absl::FormatDuration(limits.leave));
  return text;
}

std::string WebSocketReportHeader() {
  return absl::StrFormat(kLineFormat, "time", "open", "messages", "pool",
                         "pinned", "malloc", "kept", "mmapped", "arenas",
                         "zlib", "stacks", "RSS", "unknown");
}

std::string WebSocketReportLine(const WebSocketSample& before,
                                const WebSocketSample& now) {
  return absl::StrFormat(
      kLineFormat, absl::StrFormat("%.0fs", absl::ToDoubleSeconds(now.elapsed)),
      absl::StrCat(now.connections), absl::StrCat(now.messages_sent),
      Bytes(now.pool_used_bytes), Bytes(now.pool_pinned_bytes),
      OfMalloc(now, [](const auto& m) { return Bytes(m.in_use_bytes()); }),
      OfMalloc(now, [](const auto& m) { return Bytes(m.free_bytes()); }),
      OfMalloc(now, [](const auto& m) { return Bytes(m.mmapped_bytes); }),
      OfMalloc(now,
               [](const auto& m) { return absl::StrCat(m.arenas.size()); }),
      Bytes(now.zlib_bytes),
      Bytes(ResidentOf(now, MemoryOwnerName(MemoryOwner::kThreadStacks))),
      Bytes(now.resident_bytes()),
      SignedBytes(
          GrowthOf(MemoryOwnerName(MemoryOwner::kUnknown), before, now)));
}

std::string WebSocketSummaryText(const DemoOptions& options,
                                 const WebSocketSummary& summary) {
  const WebSocketSample& before = summary.before;
  const WebSocketSample& peak = summary.peak;
  const WebSocketSample& end = summary.end;
  const double seconds = absl::ToDoubleSeconds(summary.opened_after);
  std::string text = absl::StrFormat(
      "\nSummary after %.1f s\n"
      "  connections    %d opened in %.1f s (%.1f a second), %d lost, %d "
      "closed "
      "in order, %d timed out\n",
      absl::ToDoubleSeconds(end.elapsed), end.load.opened, seconds,
      seconds > 0 ? static_cast<double>(end.load.opened) / seconds : 0.0,
      end.load.lost, end.load.closed, summary.timed_out);
  absl::StrAppendFormat(
      &text,
      "  messages       %d of %s on connect, %d received, %d of them wrong; %d "
      "pings answered\n",
      end.messages_sent, Bytes(options.connect_message_bytes),
      end.load.messages, end.load.wrong, end.load.pings);
  absl::StrAppendFormat(
      &text,
      "  pool           peak %s of %s; pinned at most %s (sampled), at the end "
      "%s; %s the budget of %s\n",
      Bytes(summary.pool_peak_bytes), Bytes(summary.pool_limit_bytes),
      Bytes(summary.peak_pinned_bytes), Bytes(end.pool_pinned_bytes),
      summary.pool_peak_bytes <= options.budget_bytes ? "within" : "above",
      Bytes(options.budget_bytes));

  const int64_t growth = Growth(before.resident_bytes(), peak.resident_bytes());
  absl::StrAppendFormat(
      &text,
      "  RSS            %s before, %s at most with %d connections, %s when all "
      "are closed\n  grew by        %s, of which\n",
      Bytes(before.resident_bytes()), Bytes(peak.resident_bytes()),
      peak.connections, Bytes(end.resident_bytes()), SignedBytes(growth));
  for (const NativeMemoryCategoryStats& category : peak.walk.categories) {
    AppendRow(category.name, GrowthOf(category.name, before, peak), growth,
              &text);
  }
  if (peak.malloc.has_value()) {
    absl::StrAppendFormat(
        &text,
        "  glibc's malloc at the peak of RSS: %s in use, %s kept, in %d "
        "arenas, "
        "and %s mmapped; zlib has %s of what is in use\n"
        "                 when all are closed: %s in use, %s kept\n",
        Bytes(peak.malloc->in_use_bytes()), Bytes(peak.malloc->free_bytes()),
        peak.malloc->arenas.size(), Bytes(peak.malloc->mmapped_bytes),
        Bytes(peak.zlib_bytes),
        OfMalloc(end, [](const auto& m) { return Bytes(m.in_use_bytes()); }),
        OfMalloc(end, [](const auto& m) { return Bytes(m.free_bytes()); }));
  }
  return text;
}

}  // namespace poolscope::demo
