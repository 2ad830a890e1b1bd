// WebSocketCounters: what the WebSocket server did, counted by its workers.
//
// Thread-safe. The counts are statistics only, hence relaxed.
#ifndef POOLSCOPE_EXAMPLES_DEMO_WEBSOCKET_COUNTERS_H_
#define POOLSCOPE_EXAMPLES_DEMO_WEBSOCKET_COUNTERS_H_

#include <atomic>
#include <cstdint>

namespace poolscope::demo {

struct WebSocketCounters {
  using Counter = std::atomic<uint64_t>;

  Counter accepted{0};            // connections
  Counter ended{0};               // of those, whatever the reason
  Counter handshakes{0};          // answered with 101
  Counter refused_handshakes{0};  // answered with an error
  Counter messages_sent{0};       // queued, those on connect included
  Counter messages_received{0};   // whole and valid
  Counter pings_sent{0};
  Counter closed{0};           // with a close frame of the peer's
  Counter failed_sessions{0};  // by the peer's fault or for want of memory
  Counter timed_out{0};        // handshake, silence, or close overdue
  Counter broken{0};           // reset, or ended without a close frame

  static void Add(Counter& counter) {
    counter.fetch_add(1, std::memory_order_relaxed);
  }
  static uint64_t Get(const Counter& counter) {
    return counter.load(std::memory_order_relaxed);
  }
};

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_WEBSOCKET_COUNTERS_H_
