#include "poolscope/examples/demo/upstream.h"

#include <functional>
#include <utility>

#include "absl/types/span.h"
#include "poolscope/examples/demo/frame_stream.h"
#include "poolscope/examples/demo/monotonic_time.h"
#include "poolscope/examples/demo/pattern.h"
#include "poolscope/exporter/start_thread.h"

namespace poolscope::demo {
namespace {

constexpr uint64_t kListenerToken = EventLoop::kFirstToken;
constexpr uint64_t kFirstConnectionToken = EventLoop::kFirstToken + 1;

}  // namespace

class Upstream::Connection final : private FrameSink {
 public:
  Connection(Upstream* upstream, uint64_t token, UniqueFd fd)
      : upstream_(upstream), token_(token), fd_(std::move(fd)) {}

  const UniqueFd& fd() const { return fd_; }

  absl::Status Read(absl::Span<char> buffer) {
    return ReadFrames(fd_, buffer, parser_, *this);
  }

  SeededFrameQueue outgoing;
  bool waits_for_room = false;

 private:
  absl::Status OnHeader(const FrameHeader& header) override {
    if (header.kind != FrameKind::kRequest) {
      return absl::InvalidArgumentError("not a request");
    }
    request_ = header;
    intact_ = true;
    return absl::OkStatus();
  }
  void OnPayload(size_t offset, absl::string_view part) override {
    intact_ = intact_ && MatchesPattern(request_.seed, offset, part);
  }
  void OnEnd() override { upstream_->Schedule(token_, request_, intact_); }

  Upstream* const upstream_;
  const uint64_t token_;
  const UniqueFd fd_;
  FrameParser parser_;
  FrameHeader request_;
  bool intact_ = true;
};

absl::StatusOr<std::unique_ptr<Upstream>> Upstream::Start(
    const UpstreamOptions& options) {
  absl::StatusOr<Listener> listener = ListenOnLoopback();
  if (!listener.ok()) return listener.status();
  absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create();
  if (!loop.ok()) return loop.status();
  const absl::Status status =
      (*loop)->Add(listener->fd, kListenerToken, EPOLLIN);
  if (!status.ok()) return status;
  std::unique_ptr<Upstream> upstream(
      new Upstream(options, *std::move(listener), *std::move(loop)));
  absl::StatusOr<std::thread> thread =
      StartThread([raw = upstream.get()] { raw->Run(); });
  if (!thread.ok()) return thread.status();
  upstream->thread_ = *std::move(thread);
  return upstream;
}

Upstream::Upstream(const UpstreamOptions& options, Listener listener,
                   std::unique_ptr<EventLoop> loop)
    : options_(options),
      port_(listener.port),
      listener_(std::move(listener.fd)),
      loop_(std::move(loop)),
      random_(options.seed),
      next_token_(kFirstConnectionToken),
      buffer_(kIoBufferBytes) {}

Upstream::~Upstream() { Stop(); }

void Upstream::Stop() {
  stop_.store(true, std::memory_order_release);
  loop_->Wake();
  if (thread_.joinable()) thread_.join();
}

void Upstream::Run() {
  while (!stop_.load(std::memory_order_acquire)) {
    const absl::Duration deadline =
        delayed_.empty() ? absl::InfiniteDuration() : delayed_.top().due;
    for (const EventLoop::Ready& ready : loop_->Wait(deadline, nullptr)) {
      HandleReady(ready);
    }
    SendDue();
  }
  connections_.clear();
}

void Upstream::HandleReady(const EventLoop::Ready& ready) {
  if (ready.token == kListenerToken) {
    AcceptConnections();
    return;
  }
  const auto it = connections_.find(ready.token);
  if (it == connections_.end()) return;
  Connection& connection = *it->second;
  if ((ready.events & EPOLLOUT) != 0 && !Flush(ready.token, connection)) return;
  if ((ready.events & ~uint32_t{EPOLLOUT}) != 0 &&
      !connection.Read(absl::MakeSpan(buffer_)).ok()) {
    Close(ready.token);
  }
}

void Upstream::AcceptConnections() {
  while (true) {
    absl::StatusOr<UniqueFd> fd = Accept(listener_);
    if (!fd.ok()) {
      if (!absl::IsUnavailable(fd.status())) loop_->Remove(listener_);
      return;
    }
    const uint64_t token = next_token_++;
    if (!loop_->Add(*fd, token, EPOLLIN).ok()) continue;
    connections_.emplace(
        token, std::make_unique<Connection>(this, token, *std::move(fd)));
  }
}

void Upstream::Schedule(uint64_t connection, const FrameHeader& request,
                        bool intact) {
  std::uniform_int_distribution<int64_t> delay(
      absl::ToInt64Nanoseconds(options_.min_delay),
      absl::ToInt64Nanoseconds(options_.max_delay));
  FrameHeader answer = request;
  answer.kind = FrameKind::kAnswer;
  if (!intact) {
    answer.status = FrameStatus::kCorrupt;
    answer.length = 0;
  }
  delayed_.push(DelayedAnswer{
      MonotonicNow() + absl::Nanoseconds(delay(random_)), connection, answer});
}

void Upstream::SendDue() {
  const absl::Duration now = MonotonicNow();
  while (!delayed_.empty() && delayed_.top().due <= now) {
    const DelayedAnswer answer = delayed_.top();
    delayed_.pop();
    const auto it = connections_.find(answer.connection);
    if (it == connections_.end()) continue;
    Connection& connection = *it->second;
    connection.outgoing.Push(answer.header, AnswerSeed(answer.header.seed));
    // Where the socket is full, its room is what sends it.
    if (!connection.waits_for_room) Flush(answer.connection, connection);
  }
}

bool Upstream::Flush(uint64_t token, Connection& connection) {
  const absl::StatusOr<bool> all_out =
      connection.outgoing.Flush(connection.fd(), absl::MakeSpan(buffer_));
  if (!all_out.ok()) {
    Close(token);
    return false;
  }
  const bool waits = !*all_out;
  if (waits == connection.waits_for_room) return true;
  connection.waits_for_room = waits;
  if (!loop_
           ->Modify(connection.fd(), token,
                    waits ? uint32_t{EPOLLIN | EPOLLOUT} : uint32_t{EPOLLIN})
           .ok()) {
    Close(token);
    return false;
  }
  return true;
}

void Upstream::Close(uint64_t token) {
  const auto it = connections_.find(token);
  if (it == connections_.end()) return;
  loop_->Remove(it->second->fd());
  connections_.erase(it);
}

}  // namespace poolscope::demo
