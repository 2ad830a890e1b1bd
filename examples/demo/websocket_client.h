// WebSocketClient: one connection of the load, from its handshake to its end.
//
//   connecting --(101)--> open --(BeginClose())--> closing --> over
//
// It offers permessage-deflate, compares the message on connect with the one
// expected, and answers pings.
//
// Thread-compatible; belongs to the thread of its event loop.
#ifndef POOLSCOPE_EXAMPLES_DEMO_WEBSOCKET_CLIENT_H_
#define POOLSCOPE_EXAMPLES_DEMO_WEBSOCKET_CLIENT_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "poolscope/allocator/buffer/buffer.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/allocator/outbound/fd_sink.h"
#include "poolscope/allocator/outbound/outbound_buffer.h"
#include "poolscope/examples/demo/socket.h"
#include "poolscope/examples/demo/websocket_load_counts.h"
#include "poolscope/examples/demo/websocket_session.h"
#include "poolscope/metrics/native_memory/native_memory_category.h"

namespace poolscope::demo {

// What the clients of one load share; what it points to outlives them.
struct WebSocketClientOptions {
  BufferAllocator* allocator = nullptr;
  NativeMemoryCategory* zlib_memory = nullptr;
  WebSocketLoadCounts* counts = nullptr;
  // What the server sends on connect; empty: nothing.
  std::string expected_message;
};

class WebSocketClient {
 public:
  // On a connected socket. `options` is borrowed.
  static absl::StatusOr<std::unique_ptr<WebSocketClient>> Create(
      UniqueFd fd, uint16_t port, const WebSocketClientOptions* options);

  const UniqueFd& fd() const { return fd_; }

  // Reads what is there into `scratch`, once, and does what it asks for. An
  // error says why the connection is lost; OutOfRangeError: it has ended in
  // order.
  absl::Status Read(absl::Span<uint8_t> scratch);
  // Writes what waits: true when all is out.
  absl::StatusOr<bool> Write();

  // Begins the closing handshake; without one when it is not open yet.
  // False: it is over.
  [[nodiscard]] bool BeginClose();

  bool open() const { return session_ != nullptr; }

  // For the load: what epoll was told last.
  bool waits_for_room = false;

 private:
  WebSocketClient(UniqueFd fd, const WebSocketClientOptions* options);

  absl::Status ReadHandshake(absl::Span<const uint8_t> bytes);
  absl::Status ReadFrames(absl::Span<const uint8_t> bytes);
  void Enqueue(Buffer bytes);

  const UniqueFd fd_;
  const WebSocketClientOptions& options_;
  FdSink sink_;
  OutboundBuffer outbound_;
  std::string key_;
  std::string handshake_;  // the server's answer so far; empty once open
  std::unique_ptr<WebSocketSession> session_;
  uint64_t messages_ = 0;
  uint64_t pings_ = 0;  // those counted
};

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_WEBSOCKET_CLIENT_H_
