// Upstream: the service behind the relay. Listens on a port of 127.0.0.1, and
// answers each request after a delay with a payload of the same length.
//
// It checks what it receives: a request whose payload is not what its seed says
// is answered with FrameStatus::kCorrupt. It holds no payloads, so that
// whatever memory the process shows for them is the relay's.
//
// One thread, which starts with Start() and ends with Stop(). Thread
// safety: thread-compatible.
#ifndef POOLSCOPE_EXAMPLES_DEMO_UPSTREAM_H_
#define POOLSCOPE_EXAMPLES_DEMO_UPSTREAM_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <queue>
#include <random>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "poolscope/examples/demo/event_loop.h"
#include "poolscope/examples/demo/frame.h"
#include "poolscope/examples/demo/socket.h"

namespace poolscope::demo {

struct UpstreamOptions {
  // The delay of an answer is drawn evenly from [min_delay, max_delay].
  absl::Duration min_delay = absl::Milliseconds(50);
  absl::Duration max_delay = absl::Milliseconds(100);
  uint64_t seed = 1;
};

class Upstream {
 public:
  static absl::StatusOr<std::unique_ptr<Upstream>> Start(
      const UpstreamOptions& options);

  ~Upstream();

  uint16_t port() const { return port_; }

  // Closes every connection and ends the thread. May be called twice.
  void Stop();

 private:
  class Connection;

  // An answer that waits for its time.
  struct DelayedAnswer {
    absl::Duration due;
    uint64_t connection = 0;
    FrameHeader header;

    bool operator>(const DelayedAnswer& other) const { return due > other.due; }
  };

  Upstream(const UpstreamOptions& options, Listener listener,
           std::unique_ptr<EventLoop> loop);

  void Run();
  void AcceptConnections();
  void HandleReady(const EventLoop::Ready& ready);
  void Schedule(uint64_t connection, const FrameHeader& request, bool intact);
  void SendDue();
  // Sends what waits; false when the connection is over.
  bool Flush(uint64_t token, Connection& connection);
  void Close(uint64_t token);

  const UpstreamOptions options_;
  const uint16_t port_;
  const UniqueFd listener_;
  const std::unique_ptr<EventLoop> loop_;
  std::atomic<bool> stop_{false};
  std::thread thread_;

  // The thread's own.
  std::mt19937_64 random_;
  uint64_t next_token_;
  absl::flat_hash_map<uint64_t, std::unique_ptr<Connection>> connections_;
  std::priority_queue<DelayedAnswer, std::vector<DelayedAnswer>,
                      std::greater<DelayedAnswer>>
      delayed_;
  std::vector<char> buffer_;
};

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_UPSTREAM_H_
