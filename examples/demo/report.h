// What the demo prints: what to expect, a line a second, a summary. Pure
// functions of plain values.
#ifndef POOLSCOPE_EXAMPLES_DEMO_REPORT_H_
#define POOLSCOPE_EXAMPLES_DEMO_REPORT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "poolscope/allocator/outbound/outbound_stats.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/examples/demo/latency_histogram.h"
#include "poolscope/examples/demo/message_counts.h"
#include "poolscope/examples/demo/options.h"

namespace poolscope::demo {

// Everything the report looks at, at one moment.
struct Sample {
  absl::Duration elapsed;
  MessageTotals messages;
  LatencySnapshot round_trips;
  AllocatorStats pool;
  OutboundStats outbound;
  std::optional<uint64_t> resident_bytes;  // unset where it cannot be read
};

// Bytes of blocks in the relay's hands.
uint64_t PinnedBytes(const AllocatorStats& stats);

// What waits in all channels, as these count it: with 96 bytes an entry.
uint64_t BacklogBytes(const OutboundStats& stats);

// The arithmetic of the traffic, to hold against what is measured:
// payload in flight = rate x round trip x size x 2, for the request and the
// answer.
std::string ExpectationText(const DemoOptions& options);

// One line, without a line end, and the header whose columns it fills.
std::string ReportHeader();
std::string ReportLine(const Sample& before, const Sample& now);

// The largest figures of the samples taken.
struct Peaks {
  uint64_t pinned_bytes = 0;
  uint64_t backlog_bytes = 0;
  uint64_t admission_queue_messages = 0;
  uint64_t admission_queue_bytes = 0;
  // Before the first stall.
  uint64_t calm_pinned_bytes = 0;
  uint64_t calm_used_bytes = 0;
};

struct Summary {
  Sample end;
  uint64_t unanswered = 0;  // messages in flight when it ended
  Peaks peaks;
  uint64_t max_in_flight = 0;  // requests of one client at a time
  std::string first_refusal;   // empty when there was none
  std::string first_broken;    // connection; empty when there was none
};
std::string SummaryText(const DemoOptions& options, const Summary& summary);

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_REPORT_H_
