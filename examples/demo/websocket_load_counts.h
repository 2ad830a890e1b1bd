// WebSocketLoadCounts: how far the load is, as its process tells the demo: one
// line of text each time, "counts 10 10 10 0 0 0 0".
//
// A plain value.
#ifndef POOLSCOPE_EXAMPLES_DEMO_WEBSOCKET_LOAD_COUNTS_H_
#define POOLSCOPE_EXAMPLES_DEMO_WEBSOCKET_LOAD_COUNTS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace poolscope::demo {

struct WebSocketLoadCounts {
  uint64_t connected = 0;  // sockets
  uint64_t opened = 0;     // of those, with a handshake
  uint64_t messages = 0;   // received, inflated
  uint64_t wrong = 0;      // of those, not the one expected
  uint64_t pings = 0;      // answered
  uint64_t lost = 0;       // ended by an error, or by the server
  uint64_t closed = 0;     // ended in order, by this side
};

// Without a line end.
std::string FormatLoadCounts(const WebSocketLoadCounts& counts);
// Nothing for any other line.
std::optional<WebSocketLoadCounts> ParseLoadCounts(absl::string_view line);

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_WEBSOCKET_LOAD_COUNTS_H_
