// SlowStore: the database behind the aggregator, which reads so many bytes a
// second and no more.
//
//   aggregator ==== small socket buffers ====> store: rate bytes a second
//              <----------- answers ---------- a header each, no payload
//
// Over all its connections together. It checks what it reads: a message whose
// payload is not what its seed says is answered with FrameStatus::kCorrupt. It
// holds none.
//
// One thread, from Start() to Stop(). Thread safety: thread-compatible.
#ifndef POOLSCOPE_EXAMPLES_DEMO_SLOW_STORE_H_
#define POOLSCOPE_EXAMPLES_DEMO_SLOW_STORE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "poolscope/examples/demo/event_loop.h"
#include "poolscope/examples/demo/socket.h"

namespace poolscope::demo {

class SlowStore {
 public:
  // `bytes_per_second` is above 0.
  static absl::StatusOr<std::unique_ptr<SlowStore>> Start(
      double bytes_per_second);

  ~SlowStore();

  uint16_t port() const { return port_; }

  // Closes every connection and ends the thread. May be called twice.
  void Stop();

 private:
  class Connection;

  SlowStore(double bytes_per_second, Listener listener,
            std::unique_ptr<EventLoop> loop);

  void Run();
  void AcceptConnections();
  void HandleReady(const EventLoop::Ready& ready);
  // Pays the time that has passed into the account of bytes.
  void Earn();
  void SetReading(bool reading);
  // Tells epoll what the connection waits for; false when it is over.
  bool Watch(uint64_t token, Connection& connection);
  bool Flush(uint64_t token, Connection& connection);
  void Close(uint64_t token);

  const double bytes_per_second_;
  const uint16_t port_;
  const UniqueFd listener_;
  const std::unique_ptr<EventLoop> loop_;
  std::atomic<bool> stop_{false};
  std::thread thread_;

  // The thread's own.
  double account_bytes_ = 0;  // that may be read; below 0 nothing is
  absl::Duration earned_at_;
  bool reading_ = true;
  uint64_t next_token_;
  absl::flat_hash_map<uint64_t, std::unique_ptr<Connection>> connections_;
  std::vector<char> buffer_;
};

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_SLOW_STORE_H_
