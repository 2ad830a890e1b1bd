#include "poolscope/exporter/http_io_loop.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <new>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "poolscope/exporter/listening_socket.h"

namespace poolscope {
namespace {

// Fewer than may be open for one peer: one that has spoken when it is accepted
// is read before others of the same turn could push it out.
constexpr int kAcceptsATurn = 16;

// Where the system gives no descriptor.
constexpr std::chrono::milliseconds kAcceptPause(100);

// The wake-up and the listener.
constexpr size_t kFixedPolls = 2;

void Count(std::atomic<uint64_t>* counter) {
  counter->fetch_add(1, std::memory_order_relaxed);
}

int MillisUntil(SteadyTime deadline, SteadyTime now) {
  using std::chrono::milliseconds;
  if (deadline == SteadyTime::max()) return -1;
  const auto wait = std::chrono::ceil<milliseconds>(deadline - now);
  return static_cast<int>(
      std::clamp<milliseconds::rep>(wait.count(), 0, 3'600'000));
}

bool CanBeRead(int fd) {
  pollfd polled = {fd, POLLIN, 0};
  return poll(&polled, 1, 0) > 0;
}

}  // namespace

absl::StatusOr<std::unique_ptr<HttpIoLoop>> HttpIoLoop::Create(
    int listening_fd, Options options, HttpService* service,
    RequestQueue* queue) {
  const int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd < 0) {
    const int error = errno;
    close(listening_fd);
    return absl::UnavailableError(
        absl::StrCat("cannot create an eventfd: ", std::strerror(error),
                     "; raise ulimit -n"));
  }
  return std::unique_ptr<HttpIoLoop>(new HttpIoLoop(
      listening_fd, wake_fd, std::move(options), service, queue));
}

HttpIoLoop::HttpIoLoop(int listening_fd, int wake_fd, Options options,
                       HttpService* service, RequestQueue* queue)
    : wake_fd_(wake_fd),
      options_(std::move(options)),
      service_(service),
      queue_(queue),
      listening_fd_(listening_fd),
      connections_(options_.max_connections,
                   options_.max_connections_per_peer) {}

HttpIoLoop::~HttpIoLoop() {
  CloseListener();
  close(wake_fd_);
}

void HttpIoLoop::Run() {
  while (true) {
    const Phase phase = phase_.load(std::memory_order_acquire);
    now_ = std::chrono::steady_clock::now();
    TakeAnswers();
    if (phase != Phase::kServing) {
      CloseListener();
      CloseAllIdle();
    }
    if (phase == Phase::kFinished) break;
    ServeReady();
    CloseLate();
    AcceptSome();
    connections_.Sweep();
    open_connections_.store(connections_.entries().size(),
                            std::memory_order_relaxed);
    closed_for_room_.store(connections_.closed_for_room(),
                           std::memory_order_relaxed);
    Wait();
  }
  for (const ConnectionTable::Entry& entry : connections_.entries()) {
    entry.connection->Close(now_);
  }
  connections_.Sweep();
}

void HttpIoLoop::Answered(std::unique_ptr<HttpExchange> exchange) {
  {
    MutexLock lock(&answered_mutex_);
    answered_.push_back(std::move(exchange));
  }
  Wake();
}

HttpServerStats HttpIoLoop::stats() const {
  const auto read = [](const std::atomic<uint64_t>& counter) {
    return counter.load(std::memory_order_relaxed);
  };
  HttpServerStats stats;
  stats.open_connections = read(open_connections_);
  stats.accepted = read(accepted_);
  stats.refused = read(refused_);
  stats.closed_for_room = read(closed_for_room_);
  stats.timed_out = read(timed_out_);
  stats.failed_handshakes = read(failed_handshakes_);
  stats.turned_away = read(turned_away_);
  return stats;
}

void HttpIoLoop::SetPhase(Phase phase) {
  phase_.store(phase, std::memory_order_release);
  Wake();
}

void HttpIoLoop::Wake() {
  const uint64_t one = 1;
  // Full is awake.
  [[maybe_unused]] const ssize_t written = write(wake_fd_, &one, sizeof(one));
}

void HttpIoLoop::Wait() {
  polled_.clear();
  polled_.push_back({wake_fd_, POLLIN, 0});
  // A negative descriptor is left out.
  polled_.push_back({Accepting() ? listening_fd_ : -1, POLLIN, 0});
  SteadyTime deadline = SteadyTime::max();
  if (listening_fd_ >= 0 && !Accepting()) deadline = accept_again_;
  for (const ConnectionTable::Entry& entry : connections_.entries()) {
    const HttpConnection& connection = *entry.connection;
    polled_.push_back({connection.fd(), connection.poll_events(), 0});
    deadline = std::min(deadline, connection.deadline());
  }
  const int ready =
      poll(polled_.data(), polled_.size(), MillisUntil(deadline, now_));
  if (ready < 0) {
    for (pollfd& each : polled_) each.revents = 0;
  }
  uint64_t wakes;
  [[maybe_unused]] const ssize_t drained =
      read(wake_fd_, &wakes, sizeof(wakes));
}

void HttpIoLoop::TakeAnswers() {
  std::vector<std::unique_ptr<HttpExchange>> answered;
  {
    MutexLock lock(&answered_mutex_);
    answered.swap(answered_);
  }
  for (std::unique_ptr<HttpExchange>& exchange : answered) {
    HttpConnection* const connection = connections_.Find(exchange->connection);
    if (connection != nullptr) {
      Answer(connection, std::move(exchange));
    } else {
      service_->Served(exchange->response.handler, exchange->response.status,
                       absl::FromChrono(now_ - exchange->received));
    }
  }
}

// What was polled stands in the order of the table, which has grown at its end
// alone since.
void HttpIoLoop::ServeReady() {
  for (size_t i = kFixedPolls; i < polled_.size(); ++i) {
    HttpConnection* const connection =
        connections_.entries()[i - kFixedPolls].connection.get();
    if (polled_[i].revents == 0) continue;
    if (connection->state() == HttpConnection::State::kServing) {
      HangUp(connection, polled_[i].revents);
    } else {
      Step(connection);
    }
  }
}

void HttpIoLoop::HangUp(HttpConnection* connection, short events) {
  std::unique_ptr<HttpExchange> waiting = queue_->Withdraw(connection->id());
  if ((events & ~POLLRDHUP) != 0) {
    connection->Close(now_);  // nobody is there to be told anything
  } else if (waiting != nullptr) {
    TurnAway(connection, std::move(waiting));
  } else {
    connection->HangUp();
  }
}

void HttpIoLoop::CloseLate() {
  for (const ConnectionTable::Entry& entry : connections_.entries()) {
    HttpConnection* const connection = entry.connection.get();
    if (connection->deadline() > now_) continue;
    const HttpConnection::State state = connection->state();
    if (!connection->Expire(now_)) continue;
    if (state != HttpConnection::State::kLingering) Count(&timed_out_);
    Step(connection);
  }
}

void HttpIoLoop::AcceptSome() {
  for (int i = 0; i < kAcceptsATurn && Accepting(); ++i) {
    if (!AcceptOne()) return;
  }
}

bool HttpIoLoop::AcceptOne() {
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  const int fd = accept4(listening_fd_, reinterpret_cast<sockaddr*>(&address),
                         &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return false;
    if (errno == EINTR || errno == ECONNABORTED) return true;
    const bool no_room = errno == EMFILE || errno == ENFILE ||
                         errno == ENOBUFS || errno == ENOMEM;
    // The system looks for a descriptor before it looks for somebody.
    if (no_room && !CanBeRead(listening_fd_)) return false;
    // Else poll() would say at once that somebody is still there.
    if (!no_room || !connections_.CloseIdlest(now_)) {
      accept_again_ = now_ + kAcceptPause;
    }
    return true;
  }
  Count(&accepted_);
  const Peer peer = PeerOf(address);
  if (!connections_.MakeRoom(peer, now_)) {
    Count(&refused_);
    close(fd);
    return true;
  }
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  std::unique_ptr<Transport> transport = options_.security == nullptr
                                             ? PlainTransport(fd)
                                             : options_.security->Wrap(fd);
  Step(connections_.Add(peer, std::make_unique<HttpConnection>(
                                  next_id_++, fd, std::move(transport),
                                  options_.limits, service_, now_)));
  return true;
}

void HttpIoLoop::CloseListener() {
  if (listening_fd_ < 0) return;
  close(listening_fd_);
  listening_fd_ = -1;
}

void HttpIoLoop::CloseAllIdle() {
  while (connections_.CloseIdlest(now_)) {
  }
}

void HttpIoLoop::Step(HttpConnection* connection) {
  const bool handshake =
      connection->state() == HttpConnection::State::kHandshake;
  std::unique_ptr<HttpExchange> exchange;
  try {
    exchange = connection->Advance(now_);
  } catch (const std::bad_alloc&) {
    connection->Close(now_);  // its memory may help the others
  }
  if (handshake && options_.security != nullptr &&
      connection->state() == HttpConnection::State::kClosed) {
    Count(&failed_handshakes_);
  }
  if (exchange != nullptr && !queue_->Push(&exchange)) {
    TurnAway(connection, std::move(exchange));
  }
}

void HttpIoLoop::TurnAway(HttpConnection* connection,
                          std::unique_ptr<HttpExchange> exchange) {
  Count(&turned_away_);
  exchange->response =
      LineResponse(503, "too many requests are waiting; try again");
  exchange->response.headers = {{"Retry-After", "1"}};
  // Sent in the next turn: of a client that has sent many requests at once each
  // turn takes one.
  connection->Answer(std::move(exchange), now_);
}

void HttpIoLoop::Answer(HttpConnection* connection,
                        std::unique_ptr<HttpExchange> exchange) {
  connections_.MakeRoomForAnswer(exchange->response.body.size(),
                                 options_.max_unsent_bytes, now_);
  connection->Answer(std::move(exchange), now_);
  Step(connection);
}

}  // namespace poolscope
