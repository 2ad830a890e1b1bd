// HttpConnection: one client's connection, as a state machine that never waits.
//
//   kHandshake --> kReading <-------------------------- kWriting
//        |            |  \ malformed, too large,          ^  |
//        |            |   \ or too slow: Refuse() ------->|  | the last answer
//        |            v                                   |  v
//        |         kServing --Answer()--------------------+ kLingering
//        v            v                                      v
//     kClosed  <------+--------------------------------------+
//
//   state        deadline                          who has it
//   kHandshake   timeout from accept               the I/O thread
//   kReading     timeout from accept, from the     the I/O thread
//                last answer (idle), or from the
//                first byte of a later request
//   kServing     none: a worker has the exchange   the I/O thread, and its
//                                                  exchange a worker
//   kWriting     timeout for each kMinProgressBytes  the I/O thread
//   kLingering   timeout in all                    the I/O thread
//
// Lingering: what the client sends still is read and thrown away after the last
// answer. A socket closed with unread bytes is reset, and the client may lose
// the answer that it was about to read.
//
// Requests that come at once (pipelining) are taken one by one: the next is
// looked at when the answer before it is sent, and until then nothing is read.
//
// Thread safety: thread-compatible. Owns its socket.
#ifndef POOLSCOPE_EXPORTER_HTTP_CONNECTION_H_
#define POOLSCOPE_EXPORTER_HTTP_CONNECTION_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "poolscope/exporter/http_exchange.h"
#include "poolscope/exporter/http_message.h"
#include "poolscope/exporter/http_parser.h"
#include "poolscope/exporter/http_service.h"
#include "poolscope/exporter/transport.h"

namespace poolscope {

class HttpConnection {
 public:
  enum class State {
    kHandshake,
    kReading,
    kServing,
    kWriting,
    kLingering,
    kClosed,
  };

  struct Limits {
    std::chrono::nanoseconds timeout;
    size_t max_head_bytes = 0;
  };

  // An answer that the client takes more slowly than this, in each timeout, is
  // given up: 8 KiB a second, by default.
  static constexpr size_t kMinProgressBytes = 16384;
  // Read after the last answer, at most.
  static constexpr size_t kMaxLingerBytes = size_t{1} << 20;

  // `service` is told of each answer, once it is sent or given up; not owned.
  // A null `transport` makes a connection that is closed.
  HttpConnection(uint64_t id, int fd, std::unique_ptr<Transport> transport,
                 const Limits& limits, HttpService* service, SteadyTime now);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  // Goes on as far as it can without waiting. A request, once it is whole; then
  // the state is kServing.
  [[nodiscard]] std::unique_ptr<HttpExchange> Advance(SteadyTime now);

  // Begins to send the answer; Advance() goes on with it. kServing.
  void Answer(std::unique_ptr<HttpExchange> exchange, SteadyTime now);

  // The client sends no more: it has gone, or waits for the answer yet, which
  // nobody can tell until it is sent. kServing.
  void HangUp();

  // The deadline has passed. Closes, but says 408 first where a request had
  // begun to arrive, and goes on with an answer that is being taken. False in
  // that last case: nobody was too slow.
  bool Expire(SteadyTime now);

  // Closes at once, whatever is unsent.
  void Close(SteadyTime now);

  uint64_t id() const { return id_; }
  int fd() const { return fd_; }
  State state() const { return state_; }
  // What poll() is to wait for.
  short poll_events() const { return poll_events_; }
  // SteadyTime::max() while it is served.
  SteadyTime deadline() const { return deadline_; }
  // Since when it has the state; a request that begins to arrive changes none.
  SteadyTime since() const { return since_; }
  // It has no whole request, and is the first to go where room is needed.
  bool is_idle() const {
    return state_ == State::kHandshake || state_ == State::kReading ||
           state_ == State::kLingering;
  }
  // Its answer has been under way for longer than the timeout: it goes where
  // room is needed and no other is idle.
  bool is_slow(SteadyTime now) const {
    return state_ == State::kWriting && now - since_ > limits_.timeout;
  }
  // Its client has hung up while it is served: it goes as a slow one does.
  bool is_hung_up() const { return hung_up_; }
  // Of the answer under way, whole: it is kept until the socket has taken all.
  size_t answer_bytes() const { return response_.body.size(); }

 private:
  void Enter(State state, SteadyTime now);
  // Each goes on in its state; false when it must wait, or is closed.
  bool AdvanceHandshake(SteadyTime now);
  bool AdvanceReading(SteadyTime now);
  bool AdvanceWriting(SteadyTime now);
  bool AdvanceLingering(SteadyTime now);
  // What the transport waits for; false, for the caller to return.
  bool Wait(IoStatus status, SteadyTime now);
  // The head at the front of what was read, if it is whole.
  bool TakeHead(SteadyTime now);
  // `head` is as much of the request as there is.
  void Refuse(const HttpRefusal& refusal, absl::string_view head,
              SteadyTime now);
  void Send(HttpResponse response, bool with_body, SteadyTime now);
  size_t unsent_bytes() const { return head_.size() + body_.size(); }
  // The answer is sent, or given up: lets it go.
  void EndAnswer(SteadyTime now);

  const uint64_t id_;
  const int fd_;
  const std::unique_ptr<Transport> transport_;
  const Limits limits_;
  HttpService* const service_;

  State state_ = State::kHandshake;
  short poll_events_ = 0;
  bool hung_up_ = false;
  SteadyTime since_;
  SteadyTime deadline_;

  std::string input_;  // read, and not yet taken
  HeadScanner scanner_;
  bool first_request_ = true;
  bool keep_alive_ = false;
  size_t lingered_bytes_ = 0;

  std::unique_ptr<HttpExchange> ready_;  // to be handed out
  // The answer under way. Views of what is unsent; the texts are kept by the
  // two below them.
  absl::string_view head_;
  absl::string_view body_;
  std::string head_text_;
  HttpResponse response_;
  SteadyTime received_;
  size_t progress_bytes_ = 0;  // since the deadline was set
};

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_HTTP_CONNECTION_H_
