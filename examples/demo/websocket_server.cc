#include "poolscope/examples/demo/websocket_server.h"

#include <utility>

#include "absl/status/status.h"
#include "poolscope/examples/demo/socket.h"

namespace poolscope::demo {

absl::StatusOr<std::unique_ptr<WebSocketServer>> WebSocketServer::Start(
    const WebSocketServerOptions& options) {
  absl::StatusOr<Listener> listener = ListenOnLoopback();
  if (!listener.ok()) return listener.status();
  std::unique_ptr<WebSocketServer> server(new WebSocketServer);
  server->port_ = listener->port;
  WebSocketConnectionOptions& shared = server->connection_options_;
  shared.allocator = options.allocator;
  shared.zlib_memory = options.zlib_memory;
  shared.counters = &server->counters_;
  shared.limits = options.limits;
  shared.watermarks = options.watermarks;
  shared.connect_message = options.connect_message;

  std::vector<WebSocketWorker*> workers;
  for (int i = 0; i < options.workers; ++i) {
    absl::StatusOr<std::unique_ptr<WebSocketWorker>> worker =
        WebSocketWorker::Create(&shared, options.channels);
    if (!worker.ok()) return worker.status();
    workers.push_back(worker->get());
    server->workers_.push_back(*std::move(worker));
  }
  absl::Status status =
      workers.front()->Listen(std::move(listener->fd), workers);
  for (WebSocketWorker* worker : workers) {
    if (status.ok()) status = worker->Start();
  }
  if (!status.ok()) return status;
  return server;
}

void WebSocketServer::Stop() {
  for (const auto& worker : workers_) worker->RequestStop();
  // The first posts to the others: it has ended before they go.
  for (const auto& worker : workers_) worker->Stop();
  workers_.clear();
}

}  // namespace poolscope::demo
