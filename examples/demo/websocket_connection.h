// WebSocketConnection: the server's end of one connection, from the handshake
// to the last byte.
//
//   handshake --(accepted)--> open --(both closed, or a fault)--> leaving
//       |                      |                                    |
//       +------(refused)-------+-----------------------> all written: half
//                                                        close, then wait
//   A time limit in each state ends it: see WebSocketLimits.
//
// A connection that leaves is read on, and what comes is dropped, until the
// peer has closed too: closing before that would reset the connection, and
// might take our last answer with it.
//
// What waits to be written is bounded: while the channel is unwritable nothing
// is read, so that a peer that does not read gets no further answers.
//
// Messages are answered with their own payload.
//
// Thread-compatible; belongs to one worker.
#ifndef POOLSCOPE_EXAMPLES_DEMO_WEBSOCKET_CONNECTION_H_
#define POOLSCOPE_EXAMPLES_DEMO_WEBSOCKET_CONNECTION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "poolscope/allocator/buffer/buffer.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/allocator/outbound/fd_sink.h"
#include "poolscope/allocator/outbound/outbound_buffer.h"
#include "poolscope/allocator/outbound/registered_channel.h"
#include "poolscope/allocator/outbound/writability.h"
#include "poolscope/examples/demo/socket.h"
#include "poolscope/examples/demo/websocket_counters.h"
#include "poolscope/examples/demo/websocket_session.h"
#include "poolscope/metrics/native_memory/native_memory_category.h"

namespace poolscope::demo {

struct WebSocketLimits {
  absl::Duration handshake = absl::Seconds(10);   // to send all of it
  absl::Duration ping_after = absl::Seconds(20);  // of silence
  absl::Duration idle = absl::Seconds(60);        // silence that ends it
  absl::Duration leave = absl::Seconds(5);        // for the close, then the end
  size_t max_message_bytes = 64 << 10;            // of a client's, inflated
};

// All that connections of one server share. What it points to outlives them.
struct WebSocketConnectionOptions {
  BufferAllocator* allocator = nullptr;
  NativeMemoryCategory* zlib_memory = nullptr;
  WebSocketCounters* counters = nullptr;
  WebSocketLimits limits;
  Watermarks watermarks;
  std::string connect_message;  // sent once open; empty: none
};

class WebSocketConnection {
 public:
  // `options` is borrowed. Times are MonotonicNow()'s.
  WebSocketConnection(UniqueFd fd, const WebSocketConnectionOptions* options,
                      RegisteredChannel channel, absl::Duration now);

  const UniqueFd& fd() const { return fd_; }

  // Each of these may find that the connection is over: then `over()` holds,
  // and it is to be destroyed.

  // Reads what is there into `scratch`, once, and does what it asks for.
  void Read(absl::Span<uint8_t> scratch, absl::Duration now);
  // Writes what waits, as far as the socket takes it.
  void Write();
  // Pings, and looks after the time limits; about once a second.
  void CheckTime(absl::Duration now);
  // Begins the closing handshake, with "going away".
  void GoAway(absl::Duration now);

  bool over() const { return over_; }
  // What to wait for: EPOLLIN, EPOLLOUT.
  uint32_t wanted_events() const;

  // For the worker: what epoll was told last.
  uint32_t events = 0;

 private:
  enum class State : uint8_t { kHandshake, kOpen, kLeaving };

  void ReadHandshake(absl::Span<const uint8_t> bytes, absl::Duration now);
  void ReadFrames(absl::Span<const uint8_t> bytes, absl::Duration now);
  void OpenSession(std::optional<DeflateParameters> deflate,
                   absl::Duration now);
  // Above which no more is answered to the messages of one read.
  size_t MaxAnswerBytes() const;
  void Enqueue(Buffer bytes);
  void EnqueueText(absl::string_view text);
  // Where the session has no more to say or to hear.
  void LeaveIfFinished(absl::Duration now);
  // Whatever is queued is the last.
  void Leave(absl::Duration now);
  void End(WebSocketCounters::Counter& reason);

  const UniqueFd fd_;
  const WebSocketConnectionOptions& options_;
  FdSink sink_;
  OutboundBuffer outbound_;
  State state_ = State::kHandshake;
  bool over_ = false;
  bool half_closed_ = false;
  bool ended_ = false;      // the peer sends no more
  absl::Duration entered_;  // the state
  absl::Duration heard_;    // from the peer
  absl::Duration pinged_;   // or heard, whichever is later
  absl::Duration closing_ = absl::InfiniteDuration();  // since
  std::string handshake_;  // what came of it; empty once open
  std::unique_ptr<WebSocketSession> session_;  // null before it is open
};

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_WEBSOCKET_CONNECTION_H_
