// What the aggregator's scenario prints: a line a second, a summary. Pure
// functions of plain values.
#ifndef POOLSCOPE_EXAMPLES_DEMO_AGGREGATOR_REPORT_H_
#define POOLSCOPE_EXAMPLES_DEMO_AGGREGATOR_REPORT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "poolscope/allocator/outbound/memory_governor.h"
#include "poolscope/allocator/outbound/outbound_stats.h"
#include "poolscope/allocator/pool/allocator_stats.h"
#include "poolscope/examples/demo/latency_histogram.h"
#include "poolscope/examples/demo/message_counts.h"

namespace poolscope::demo {

// Everything the report looks at, at one moment.
struct AggregatorSample {
  absl::Duration elapsed;
  MessageTotals messages;
  LatencySnapshot round_trips;
  AllocatorStats pool;
  OutboundStats outbound;
  std::optional<MemoryGovernorStats> governor;  // unset: there is none
  std::optional<uint64_t> resident_bytes;       // unset where it cannot be read

  // Of AggregatorCounters.
  uint64_t refused_huge = 0;
  uint64_t refused_chunk = 0;
  uint64_t given_up = 0;
  uint64_t consolidations = 0;
  uint64_t postponed = 0;
  uint64_t assembling_bytes = 0;

  uint64_t refused() const { return refused_huge + refused_chunk; }
};

// One line, without a line end, and the header whose columns it fills.
std::string AggregatorHeader();
std::string AggregatorLine(const AggregatorSample& before,
                           const AggregatorSample& now);

struct AggregatorSummary {
  std::string end_reason;              // "200 messages were refused"
  AggregatorSample load_end;           // when the load ended
  AggregatorSample end;                // when all was over
  absl::Duration rest;                 // after that; zero: there was none
  AggregatorSample rested;             // after the rest
  uint64_t unanswered = 0;             // messages in flight then
  uint64_t peak_pinned_bytes = 0;      // of the samples taken
  uint64_t peak_assembling_bytes = 0;  // of the samples taken
  std::string first_refusal;           // empty when there was none
  std::string first_broken;            // connection; empty when there was none
  // Of chunk_holders.h, for each of the three samples.
  std::string holders_at_load_end;
  std::string holders_at_end;
  std::string holders_after_rest;
  std::string sizing;  // of sizing.h
};
std::string AggregatorSummaryText(const AggregatorSummary& summary);

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_AGGREGATOR_REPORT_H_
