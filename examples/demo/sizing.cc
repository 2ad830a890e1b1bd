#include "poolscope/examples/demo/sizing.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "poolscope/allocator/outbound/outbound_buffer.h"
#include "poolscope/examples/demo/byte_size.h"

namespace poolscope::demo {
namespace {

uint64_t WholeChunks(uint64_t bytes, uint64_t chunk_bytes) {
  return (bytes + chunk_bytes - 1) / chunk_bytes * chunk_bytes;
}

uint64_t Times(double rate, absl::Duration time) {
  return static_cast<uint64_t>(std::ceil(rate * absl::ToDoubleSeconds(time)));
}

}  // namespace

Sizing Predict(const SizingInput& input) {
  Sizing sizing;
  sizing.in_flight_messages = Times(input.rate, input.round_trip);
  sizing.payload_bytes = sizing.in_flight_messages * input.message_bytes * 2;
  const uint64_t cached = input.threads * input.thread_cache_bytes;
  sizing.floor_bytes =
      std::max(input.arenas * input.chunk_bytes,
               WholeChunks(sizing.payload_bytes + cached, input.chunk_bytes));
  if (input.stall > absl::ZeroDuration()) {
    sizing.backlog_bytes =
        input.high_watermark.has_value()
            ? BacklogBound(input.channels, *input.high_watermark + 1, 1,
                           input.message_bytes) +
                  sizing.payload_bytes / 2
            : Times(input.rate, input.stall) * input.message_bytes;
  }
  sizing.peak_bytes = std::min(
      input.limit_bytes, sizing.floor_bytes + WholeChunks(sizing.backlog_bytes,
                                                          input.chunk_bytes));
  return sizing;
}

uint64_t BacklogBound(uint64_t channels, uint64_t high_watermark,
                      uint64_t in_flight_per_channel, uint64_t message_bytes) {
  return channels * (high_watermark +
                     in_flight_per_channel *
                         (message_bytes + OutboundBuffer::kEntryOverheadBytes));
}

std::string SizingText(const SizingInput& input, const Sizing& predicted,
                       uint64_t budget_bytes, const Measured& measured) {
  const auto line = [](absl::string_view what, uint64_t expected,
                       uint64_t seen) {
    return absl::StrFormat("    %-12s %12s %12s\n", what,
                           FormatByteSize(expected), FormatByteSize(seen));
  };
  std::string text = absl::StrFormat(
      "  sizing           predicted     measured\n"
      "%s%s%s",
      line("in flight", predicted.payload_bytes, measured.payload_bytes),
      line("floor", predicted.floor_bytes, measured.floor_bytes),
      line("peak", predicted.peak_bytes, measured.peak_bytes));
  absl::StrAppendFormat(&text,
                        "    in flight = %g/s x %s x %s x 2; floor = %d arenas "
                        "x %s, or in flight "
                        "and %d caches of %s\n",
                        input.rate, absl::FormatDuration(input.round_trip),
                        FormatByteSize(input.message_bytes), input.arenas,
                        FormatByteSize(input.chunk_bytes), input.threads,
                        FormatByteSize(input.thread_cache_bytes));
  absl::StrAppendFormat(
      &text, "  budget         %s: %s\n", FormatByteSize(budget_bytes),
      measured.peak_bytes <= budget_bytes
          ? absl::StrCat("kept, ",
                         FormatByteSize(budget_bytes - measured.peak_bytes),
                         " to spare")
          : absl::StrCat("exceeded by ",
                         FormatByteSize(measured.peak_bytes - budget_bytes)));
  return text;
}

}  // namespace poolscope::demo
