// HttpIoLoop: the one thread of an HTTP server that touches sockets.
//
//   accept --> HttpConnection --> RequestQueue --> workers
//                 ^   |                              |
//        poll() --+   +-- answers <--- Answered() <--+
//
// It waits for all of them at once, and for deadlines, in poll(). Not epoll: an
// epoll set goes on telling of a closed connection that a child, forked
// meanwhile, has too.
//
// In each turn it takes answers, goes on with the connections that are ready,
// closes those that are late, and accepts a few new ones, which are read at
// once: who has spoken by then is heard before the next one may push it out.
// Where the system has no descriptor left, an idle connection gives its own; if
// there is none, accepting rests for a moment.
//
// Thread safety: Run() is one thread's; the rest is thread-safe. Connections
// are that thread's alone. An exchange goes to a worker and back through two
// mutexes, that of the queue and `answered_mutex_`, which order what is in it.
#ifndef POOLSCOPE_EXPORTER_HTTP_IO_LOOP_H_
#define POOLSCOPE_EXPORTER_HTTP_IO_LOOP_H_

#include <poll.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "poolscope/allocator/base/mutex.h"
#include "poolscope/exporter/connection_table.h"
#include "poolscope/exporter/http_connection.h"
#include "poolscope/exporter/http_exchange.h"
#include "poolscope/exporter/http_service.h"
#include "poolscope/exporter/request_queue.h"
#include "poolscope/exporter/transport.h"

namespace poolscope {

// Since the server began; relaxed counters, each written by one thread.
struct HttpServerStats {
  uint64_t open_connections = 0;
  uint64_t accepted = 0;
  uint64_t refused = 0;            // no room for the connection
  uint64_t closed_for_room = 0;    // to make some
  uint64_t timed_out = 0;          // a handshake, a request or an answer
  uint64_t failed_handshakes = 0;  // of TLS
  uint64_t turned_away = 0;        // answered 503: too many requests wait
};

class HttpIoLoop {
 public:
  struct Options {
    HttpConnection::Limits limits;
    size_t max_connections = 0;
    size_t max_connections_per_peer = 0;
    size_t max_unsent_bytes = 0;
    std::shared_ptr<TransportSecurity> security;  // null: plain
  };

  // Owns `listening_fd` from now on, even where it fails: UnavailableError when
  // the system gives no descriptor for waking it.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<HttpIoLoop>> Create(
      int listening_fd, Options options, HttpService* service,
      RequestQueue* queue);
  ~HttpIoLoop();
  HttpIoLoop(const HttpIoLoop&) = delete;
  HttpIoLoop& operator=(const HttpIoLoop&) = delete;

  // Returns after Finish().
  void Run();

  // A worker has done with it.
  void Answered(std::unique_ptr<HttpExchange> exchange);

  // Closes the port, and connections without a request; others go on.
  void StopAccepting() { SetPhase(Phase::kStopping); }
  // Sends what can be sent without waiting, and ends.
  void Finish() { SetPhase(Phase::kFinished); }

  HttpServerStats stats() const;

 private:
  enum class Phase { kServing, kStopping, kFinished };

  HttpIoLoop(int listening_fd, int wake_fd, Options options,
             HttpService* service, RequestQueue* queue);

  void SetPhase(Phase phase);
  void Wake();

  void Wait();
  void TakeAnswers();
  void ServeReady();
  void CloseLate();
  void AcceptSome();
  // False: nobody is there, or not now.
  bool AcceptOne();
  void CloseListener();
  void CloseAllIdle();
  // Goes on with `connection`, and hands on its request.
  void Step(HttpConnection* connection);
  // Nothing but its end, which `events` tell of, was asked for of `connection`:
  // if its request waits, nobody begins with it any more.
  void HangUp(HttpConnection* connection, short events);
  // Answers 503.
  void TurnAway(HttpConnection* connection,
                std::unique_ptr<HttpExchange> exchange);
  void Answer(HttpConnection* connection,
              std::unique_ptr<HttpExchange> exchange);
  bool Accepting() const { return listening_fd_ >= 0 && now_ >= accept_again_; }

  // Constant after construction.
  const int wake_fd_;
  const Options options_;
  HttpService* const service_;
  RequestQueue* const queue_;

  // Of the I/O thread.
  int listening_fd_;  // -1 once closed
  ConnectionTable connections_;
  std::vector<pollfd> polled_;  // the wake-up, the listener, the connections
  SteadyTime now_;
  SteadyTime accept_again_;
  uint64_t next_id_ = 0;

  // Released by who ends the server, acquired by the I/O thread: what was done
  // before is seen, answers of workers that have ended included.
  std::atomic<Phase> phase_{Phase::kServing};

  // Relaxed: statistics.
  std::atomic<uint64_t> open_connections_{0};
  std::atomic<uint64_t> accepted_{0};
  std::atomic<uint64_t> refused_{0};
  std::atomic<uint64_t> closed_for_room_{0};
  std::atomic<uint64_t> timed_out_{0};
  std::atomic<uint64_t> failed_handshakes_{0};
  std::atomic<uint64_t> turned_away_{0};

  Mutex answered_mutex_;
  std::vector<std::unique_ptr<HttpExchange>> answered_
      ABSL_GUARDED_BY(answered_mutex_);
};

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_HTTP_IO_LOOP_H_
