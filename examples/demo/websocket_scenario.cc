#include "poolscope/examples/demo/websocket_scenario.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/allocator/pool/pool_options.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/examples/demo/monotonic_time.h"
#include "poolscope/examples/demo/print_line.h"
#include "poolscope/examples/demo/sizing.h"
#include "poolscope/examples/demo/websocket_counters.h"
#include "poolscope/examples/demo/websocket_load.h"
#include "poolscope/examples/demo/websocket_load_process.h"
#include "poolscope/examples/demo/websocket_report.h"
#include "poolscope/examples/demo/websocket_server.h"
#include "poolscope/metrics/native_memory/memory_walk.h"
#include "poolscope/metrics/native_memory/native_memory_category.h"
#include "poolscope/metrics/native_memory/native_memory_stats.h"
#include "poolscope/metrics/process/glibc_malloc.h"
#include "poolscope/metrics/process/malloc_library.h"

namespace poolscope::demo {
namespace {

constexpr absl::Duration kReportInterval = absl::Seconds(1);
constexpr int kLinesPerHeader = 20;
// More than the load gives itself.
constexpr absl::Duration kLoadTimeout = absl::Seconds(40);

// What zlib's streams of the server take of malloc. The reports of the service
// show it by this name.
NativeMemoryCategory& ZlibMemory() {
  static NativeMemoryCategory* const category =
      NativeMemoryCategory::Register("Zlib").value();
  return *category;
}

MemoryWalkOptions WalkOptions() {
  MemoryWalkOptions options;
  options.pool_ranges = PooledAllocator::Ranges;
  options.malloc_is_glibc = [] {
    return TheMalloc().kind == MallocKind::kGlibc;
  };
  return options;
}

// The scenario while it runs.
class Run {
 public:
  Run(DemoService& service, WebSocketServer& server)
      : service_(service),
        server_(server),
        start_(MonotonicNow()),
        walk_(WalkOptions()) {}

  WebSocketSample TakeSample(const WebSocketLoadCounts& load);

  absl::Duration start() const { return start_; }

 private:
  DemoService& service_;
  WebSocketServer& server_;
  const absl::Duration start_;
  MemoryWalk walk_;
};

WebSocketSample Run::TakeSample(const WebSocketLoadCounts& load) {
  WebSocketSample sample;
  sample.elapsed = MonotonicNow() - start_;
  sample.load = load;
  const WebSocketCounters& counters = server_.counters();
  // Ended first: else one that ends in between would be missed.
  const uint64_t ended = WebSocketCounters::Get(counters.ended);
  sample.connections = WebSocketCounters::Get(counters.accepted) - ended;
  sample.messages_sent = WebSocketCounters::Get(counters.messages_sent);
  sample.zlib_bytes = ZlibMemory().Read().malloc_bytes;

  const AllocatorStats pool = service_.pool().Stats();
  sample.pool_used_bytes = pool.direct_used_bytes;
  sample.pool_pinned_bytes = pool.pinned_bytes + pool.huge_used_bytes;

  const absl::StatusOr<GlibcMalloc> malloc = ReadGlibcMalloc();
  if (malloc.ok()) sample.malloc = *malloc;
  absl::StatusOr<NativeMemoryStats> walk =
      walk_.Take(MemoryWalk::Detail::kCategories, absl::InfiniteDuration());
  if (walk.ok()) sample.walk = *std::move(walk);
  return sample;
}

// Prints a line a second until the end has come; fills in all of the summary
// that is found on the way. An error of the load ends it.
absl::Status Report(const DemoOptions& options, Run& run,
                    WebSocketLoadProcess& load, StopSignal& stop,
                    std::FILE* out, WebSocketSummary* summary) {
  const absl::Duration end = options.duration == absl::ZeroDuration()
                                 ? absl::InfiniteDuration()
                                 : run.start() + options.duration;
  const uint64_t wanted = static_cast<uint64_t>(options.connections);
  absl::Duration next = run.start() + kReportInterval;
  int lines = 0;
  while (!stop.WaitUntil(std::min(next, end))) {
    const absl::Status status = load.Poll();
    if (!status.ok()) return status;
    const WebSocketSample now = run.TakeSample(load.counts());
    if (lines++ % kLinesPerHeader == 0) PrintLine(WebSocketReportHeader(), out);
    PrintLine(WebSocketReportLine(summary->before, now), out);
    if (summary->opened_after == absl::ZeroDuration() &&
        now.load.opened == wanted) {
      summary->opened_after = now.elapsed;
    }
    summary->peak_pinned_bytes =
        std::max(summary->peak_pinned_bytes, now.pool_pinned_bytes);
    if (now.resident_bytes() >= summary->peak.resident_bytes()) {
      summary->peak = now;
    }
    if (MonotonicNow() >= end) break;
    next += kReportInterval;
  }
  return absl::OkStatus();
}

// The arithmetic of the pool beside what came: it is kept with room to spare,
// while the process grows.
std::string PlanText(const DemoOptions& options,
                     const WebSocketSummary& summary,
                     const AllocatorStats& pool) {
  SizingInput input;
  input.rate = 1 / std::max(1e-6, absl::ToDoubleSeconds(options.connect_delay));
  input.round_trip = absl::Milliseconds(1);
  input.message_bytes = options.connect_message_bytes;
  input.threads = static_cast<uint64_t>(options.workers);
  input.arenas = std::min<uint64_t>(pool.arenas.size(), input.threads);
  input.chunk_bytes = pool.chunk_size_bytes;
  input.thread_cache_bytes = PoolOptions{}.thread_cache_initial_bytes;
  input.channels = static_cast<uint64_t>(options.connections);
  input.limit_bytes = pool.direct_limit_bytes;
  Measured measured;
  measured.payload_bytes = summary.peak_pinned_bytes;
  measured.floor_bytes = summary.end.pool_used_bytes;
  measured.peak_bytes = pool.direct_peak_bytes;
  return SizingText(input, Predict(input), options.budget_bytes, measured);
}

// Whether every connection came to a good end, and every buffer is back.
absl::Status CheckBooks(const WebSocketSummary& summary) {
  const WebSocketSample& end = summary.end;
  if (end.load.lost != 0 || end.load.wrong != 0) {
    return absl::InternalError(
        absl::StrFormat("%d connections were lost, %d messages were wrong",
                        end.load.lost, end.load.wrong));
  }
  if (end.load.closed != end.load.connected || end.connections != 0) {
    return absl::InternalError(absl::StrFormat(
        "of %d connections %d were closed in order, and %d are open",
        end.load.connected, end.load.closed, end.connections));
  }
  if (end.pool_pinned_bytes != 0) {
    return absl::InternalError(
        absl::StrFormat("%d bytes are pinned after the server has ended",
                        end.pool_pinned_bytes));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RunWebSocket(const DemoOptions& options, DemoService& service,
                          StopSignal& stop, std::FILE* out) {
  WebSocketServerOptions server_options;
  server_options.allocator = &service.allocator();
  server_options.zlib_memory = &ZlibMemory();
  server_options.channels = &service.channels();
  server_options.workers = options.workers;
  server_options.watermarks = options.watermarks;
  server_options.connect_message =
      ConnectMessage(options.connect_message_bytes);
  absl::StatusOr<std::unique_ptr<WebSocketServer>> server =
      WebSocketServer::Start(server_options);
  if (!server.ok()) return server.status();

  PrintLine(
      absl::StrCat(
          "scenario ", options.scenario->name, ": ",
          options.scenario->description, "\n",
          WebSocketExpectationText(options, server_options.limits), "\n\n",
          service.Pages(),
          options.duration == absl::ZeroDuration()
              ? std::string("runs until Ctrl-C\n")
              : absl::StrCat("runs for ",
                             absl::FormatDuration(options.duration), "\n")),
      out);

  Run run(service, **server);
  WebSocketSummary summary;
  summary.before = run.TakeSample(WebSocketLoadCounts());
  summary.peak = summary.before;
  WebSocketLoadOptions load_options;
  load_options.port = (*server)->port();
  load_options.connections = options.connections;
  load_options.connect_delay = options.connect_delay;
  load_options.message_bytes = options.connect_message_bytes;
  absl::StatusOr<std::unique_ptr<WebSocketLoadProcess>> load =
      WebSocketLoadProcess::Start(load_options);
  if (!load.ok()) return load.status();

  absl::Status status = Report(options, run, **load, stop, out, &summary);
  stop.Release();
  if (summary.opened_after == absl::ZeroDuration()) {
    summary.opened_after = MonotonicNow() - run.start();
  }
  if (status.ok()) status = (*load)->Finish(kLoadTimeout);
  (*server)->Stop();
  summary.end = run.TakeSample((*load)->counts());
  const AllocatorStats pool = service.pool().Stats();
  summary.pool_peak_bytes = pool.direct_peak_bytes;
  summary.pool_limit_bytes = pool.direct_limit_bytes;
  summary.timed_out = WebSocketCounters::Get((*server)->counters().timed_out);
  PrintLine(WebSocketSummaryText(options, summary), out);
  PrintLine(PlanText(options, summary, pool), out);
  return status.ok() ? CheckBooks(summary) : status;
}

}  // namespace poolscope::demo
