// WebSocketServer: workers that share one listener on the loopback interface.
//
//   auto server = WebSocketServer::Start(options);
//   if (!server.ok()) return server.status();
//   ... (*server)->port() ...
//   (*server)->Stop();      // or destroy it
//
// Thread safety: thread-compatible; the counters may be read at any time.
#ifndef POOLSCOPE_EXAMPLES_DEMO_WEBSOCKET_SERVER_H_
#define POOLSCOPE_EXAMPLES_DEMO_WEBSOCKET_SERVER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/allocator/outbound/channel_registry.h"
#include "poolscope/allocator/outbound/writability.h"
#include "poolscope/examples/demo/websocket_connection.h"
#include "poolscope/examples/demo/websocket_counters.h"
#include "poolscope/examples/demo/websocket_worker.h"
#include "poolscope/metrics/native_memory/native_memory_category.h"

namespace poolscope::demo {

struct WebSocketServerOptions {
  // Borrowed; they outlive the server.
  BufferAllocator* allocator = nullptr;
  NativeMemoryCategory* zlib_memory = nullptr;
  ChannelRegistry* channels = nullptr;  // null: its channels are in none

  int workers = 16;
  WebSocketLimits limits;
  Watermarks watermarks;
  std::string connect_message;  // UTF-8; sent to each client; empty: none
};

class WebSocketServer {
 public:
  static absl::StatusOr<std::unique_ptr<WebSocketServer>> Start(
      const WebSocketServerOptions& options);

  ~WebSocketServer() { Stop(); }

  uint16_t port() const { return port_; }
  const WebSocketCounters& counters() const { return counters_; }

  // Closes every connection in order and ends the threads. May be called twice.
  void Stop();

 private:
  WebSocketServer() = default;

  WebSocketCounters counters_;
  WebSocketConnectionOptions connection_options_;
  uint16_t port_ = 0;
  std::vector<std::unique_ptr<WebSocketWorker>> workers_;
};

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_WEBSOCKET_SERVER_H_
