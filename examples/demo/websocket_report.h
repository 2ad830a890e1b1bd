// What the scenario websocket prints: what to expect, a line a second, a
// summary. Pure functions of plain values.
//
// RSS is that of one walk over the mappings, and so are its parts, by owner:
// they add up.
#ifndef POOLSCOPE_EXAMPLES_DEMO_WEBSOCKET_REPORT_H_
#define POOLSCOPE_EXAMPLES_DEMO_WEBSOCKET_REPORT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "poolscope/examples/demo/options.h"
#include "poolscope/examples/demo/websocket_connection.h"
#include "poolscope/examples/demo/websocket_load_counts.h"
#include "poolscope/metrics/native_memory/native_memory_stats.h"
#include "poolscope/metrics/process/glibc_malloc.h"

namespace poolscope::demo {

// Everything the report looks at, at one moment.
struct WebSocketSample {
  absl::Duration elapsed;
  WebSocketLoadCounts load;    // as its process told last
  uint64_t connections = 0;    // of the server, now
  uint64_t messages_sent = 0;  // by the server
  uint64_t pool_used_bytes = 0;
  uint64_t pool_pinned_bytes = 0;
  std::optional<GlibcMalloc> malloc;  // unset where it is not glibc's
  uint64_t zlib_bytes = 0;            // in use, of malloc
  NativeMemoryStats walk;             // empty when it failed

  uint64_t resident_bytes() const { return walk.resident_bytes; }
};

struct WebSocketSummary {
  WebSocketSample before;       // any connection
  WebSocketSample peak;         // of RSS
  WebSocketSample end;          // all is closed
  absl::Duration opened_after;  // when the last was open, or the load ended
  uint64_t pool_peak_bytes = 0;
  uint64_t pool_limit_bytes = 0;
  uint64_t peak_pinned_bytes = 0;  // of the samples taken
  uint64_t timed_out = 0;          // by the server
};

// The arithmetic of the load, and the time limits.
std::string WebSocketExpectationText(const DemoOptions& options,
                                     const WebSocketLimits& limits);

// One line, without a line end, and the header whose columns it fills. `before`
// is before any connection.
std::string WebSocketReportHeader();
std::string WebSocketReportLine(const WebSocketSample& before,
                                const WebSocketSample& now);

std::string WebSocketSummaryText(const DemoOptions& options,
                                 const WebSocketSummary& summary);

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_WEBSOCKET_REPORT_H_
