// Sizing: what the memory of a service should be, by arithmetic: first the
// hypothesis, then the budget, then what was measured. docs/sizing.md explains
// each step and how to use it for a service of one's own.
//
// Pure functions of plain values. Bytes throughout.
#ifndef POOLSCOPE_EXAMPLES_DEMO_SIZING_H_
#define POOLSCOPE_EXAMPLES_DEMO_SIZING_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"

namespace poolscope::demo {

struct SizingInput {
  double rate = 0;            // messages a second
  absl::Duration round_trip;  // the longest that is normal
  uint64_t message_bytes = 0;

  uint64_t arenas = 0;   // those that threads are bound to
  uint64_t threads = 0;  // that allocate
  uint64_t chunk_bytes = 0;
  uint64_t thread_cache_bytes = 0;  // what an idle one may keep

  uint64_t channels = 0;
  // Of a channel, as it counts them; unset: nothing bounds it.
  std::optional<uint64_t> high_watermark;
  absl::Duration stall;  // of the peers
  uint64_t limit_bytes = 0;
};

struct Sizing {
  uint64_t in_flight_messages = 0;  // rate x round trip
  // rate x round trip x size x 2, for a request and its answer.
  uint64_t payload_bytes = 0;
  // A chunk for each arena in use, or whole chunks for what is in flight and
  // cached, whichever is more.
  uint64_t floor_bytes = 0;
  // What waits while peers stall: of each channel the high watermark, one
  // message above it and the answers to what was in flight; without a watermark
  // rate x stall x size.
  uint64_t backlog_bytes = 0;
  // floor + backlog in whole chunks, at most the limit.
  uint64_t peak_bytes = 0;
};

Sizing Predict(const SizingInput& input);

// The most that may wait in all channels: what a channel holds beyond its high
// watermark are the answers in flight when it became unwritable.
uint64_t BacklogBound(uint64_t channels, uint64_t high_watermark,
                      uint64_t in_flight_per_channel, uint64_t message_bytes);

struct Measured {
  uint64_t payload_bytes = 0;  // pinned by buffers, the most before a stall
  uint64_t floor_bytes = 0;    // direct memory before a stall
  uint64_t peak_bytes = 0;
};

// Hypothesis, budget and measurement as lines, and whether the measured peak
// keeps the budget.
std::string SizingText(const SizingInput& input, const Sizing& predicted,
                       uint64_t budget_bytes, const Measured& measured);

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_SIZING_H_
