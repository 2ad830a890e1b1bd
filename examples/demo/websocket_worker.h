// WebSocketWorker: one thread of the WebSocket server, with its event loop and
// the connections it serves.
//
//   listener --> worker 0 --(each in turn)--> the mailbox of worker 0, 1, ...
//
// A connection stays with its worker: whatever malloc gives for it comes from
// that thread's arena.
//
// Thread safety: Post() from any thread; the rest from the thread that owns the
// server. Everything below `loop_` is the worker thread's own.
#ifndef POOLSCOPE_EXAMPLES_DEMO_WEBSOCKET_WORKER_H_
#define POOLSCOPE_EXAMPLES_DEMO_WEBSOCKET_WORKER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "poolscope/allocator/outbound/channel_registry.h"
#include "poolscope/examples/demo/event_loop.h"
#include "poolscope/examples/demo/mailbox.h"
#include "poolscope/examples/demo/socket.h"
#include "poolscope/examples/demo/websocket_connection.h"

namespace poolscope::demo {

class WebSocketWorker {
 public:
  // `options` and `channels` (null: none) are borrowed and outlive the worker.
  static absl::StatusOr<std::unique_ptr<WebSocketWorker>> Create(
      const WebSocketConnectionOptions* options, ChannelRegistry* channels);

  ~WebSocketWorker() { Stop(); }
  WebSocketWorker(const WebSocketWorker&) = delete;
  WebSocketWorker& operator=(const WebSocketWorker&) = delete;

  // Makes this worker the one that accepts connections, for `workers` in turn.
  absl::Status Listen(UniqueFd listener, std::vector<WebSocketWorker*> workers);

  // ResourceExhaustedError when the system gives no thread.
  absl::Status Start();

  void Post(UniqueFd client) { mailbox_.Post(std::move(client)); }

  // Asks the thread to accept nothing more, close its connections in order, and
  // end.
  void RequestStop();
  // Waits for that: at most the limit for leaving, twice.
  void Stop();

 private:
  WebSocketWorker(std::unique_ptr<EventLoop> loop,
                  const WebSocketConnectionOptions* options,
                  ChannelRegistry* channels);

  void Run();
  void AcceptClients();
  void AddConnection(UniqueFd client, absl::Duration now);
  void HandleReady(const EventLoop::Ready& ready, absl::Duration now);
  // Writes what waits, tells epoll what to wait for, and forgets the connection
  // when it is over: after each thing that was done to it.
  void Settle(uint64_t token, WebSocketConnection& connection);
  void CheckTimes(absl::Duration now);
  void CloseAll(absl::Duration now);

  const WebSocketConnectionOptions& options_;
  ChannelRegistry* const channels_;
  const std::unique_ptr<EventLoop> loop_;

  Mailbox<UniqueFd> mailbox_;
  std::atomic<bool> stop_{false};  // seen at the latest after the wake-up
  std::thread thread_;

  UniqueFd listener_;
  SpareDescriptor spare_;                  // of one worker alone
  std::vector<WebSocketWorker*> workers_;  // where it is
  size_t accepted_ = 0;
  absl::flat_hash_map<uint64_t, std::unique_ptr<WebSocketConnection>>
      connections_;
  uint64_t next_token_;
  absl::Duration next_check_;
  std::vector<uint64_t> checked_;
  std::vector<uint8_t> scratch_;
};

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_WEBSOCKET_WORKER_H_
