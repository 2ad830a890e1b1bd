#include "poolscope/examples/demo/websocket_connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/status/statusor.h"
#include "poolscope/allocator/outbound/outbound_failure.h"
#include "poolscope/examples/demo/http_head.h"
#include "poolscope/examples/demo/websocket_handshake.h"

namespace poolscope::demo {
namespace {

OutboundOptions ToOutboundOptions(const WebSocketConnectionOptions& options) {
  OutboundOptions outbound;
  outbound.watermarks = options.watermarks;
  return outbound;
}

absl::Span<const uint8_t> Bytes(absl::string_view text) {
  return absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(text.data()),
                             text.size());
}

}  // namespace

WebSocketConnection::WebSocketConnection(
    UniqueFd fd, const WebSocketConnectionOptions* options,
    RegisteredChannel channel, absl::Duration now)
    : fd_(std::move(fd)),
      options_(*options),
      sink_(fd_.get()),
      outbound_(ToOutboundOptions(*options), std::move(channel)),
      entered_(now),
      heard_(now),
      pinged_(now) {}

void WebSocketConnection::Read(absl::Span<uint8_t> scratch,
                               absl::Duration now) {
  const ssize_t n = read(fd_.get(), scratch.data(), scratch.size());
  if (n < 0) {
    if (errno != EAGAIN && errno != EINTR) End(options_.counters->broken);
    return;
  }
  if (n == 0) {
    // Whoever leaves has been counted; what is queued may still go out.
    ended_ = true;
    over_ = state_ != State::kLeaving || outbound_.empty();
    if (state_ != State::kLeaving) {
      WebSocketCounters::Add(options_.counters->broken);
    }
    return;
  }
  heard_ = now;
  pinged_ = now;
  const absl::Span<const uint8_t> bytes = scratch.first(static_cast<size_t>(n));
  switch (state_) {
    case State::kHandshake:
      ReadHandshake(bytes, now);
      break;
    case State::kOpen:
      ReadFrames(bytes, now);
      break;
    case State::kLeaving:
      break;
  }
}

void WebSocketConnection::ReadHandshake(absl::Span<const uint8_t> bytes,
                                        absl::Duration now) {
  // As much as a head may have; what is behind it are frames.
  const size_t head =
      std::min(bytes.size(), kMaxHttpHeadBytes - handshake_.size());
  handshake_.append(reinterpret_cast<const char*>(bytes.data()), head);
  Handshake handshake = AnswerHandshake(handshake_);
  if (handshake.state == Handshake::State::kIncomplete) return;
  EnqueueText(handshake.answer);
  if (handshake.state == Handshake::State::kRefused) {
    WebSocketCounters::Add(options_.counters->refused_handshakes);
    return Leave(now);
  }
  // A client need not wait for the answer before it sends frames.
  const std::string early = handshake_.substr(handshake.size_bytes);
  handshake_ = std::string();
  OpenSession(handshake.deflate, now);
  if (!early.empty()) ReadFrames(Bytes(early), now);
  if (head < bytes.size()) ReadFrames(bytes.subspan(head), now);
}

void WebSocketConnection::OpenSession(std::optional<DeflateParameters> deflate,
                                      absl::Duration now) {
  WebSocketSessionOptions session_options;
  session_options.side = WebSocketSide::kServer;
  session_options.allocator = options_.allocator;
  session_options.zlib_memory = options_.zlib_memory;
  session_options.deflate = deflate;
  session_options.max_message_bytes = options_.limits.max_message_bytes;
  absl::StatusOr<std::unique_ptr<WebSocketSession>> session =
      WebSocketSession::Create(session_options);
  if (!session.ok()) return End(options_.counters->failed_sessions);
  WebSocketCounters::Add(options_.counters->handshakes);
  session_ = *std::move(session);
  state_ = State::kOpen;
  entered_ = now;
  if (options_.connect_message.empty()) return;
  const absl::Status sent =
      session_->Send(WebSocketType::kText, Bytes(options_.connect_message));
  if (sent.ok()) WebSocketCounters::Add(options_.counters->messages_sent);
  Enqueue(session_->TakeFrames());
  LeaveIfFinished(now);
}

void WebSocketConnection::ReadFrames(absl::Span<const uint8_t> bytes,
                                     absl::Duration now) {
  if (over_ || state_ != State::kOpen) return;
  session_->Receive(bytes, [this, now](WebSocketMessage message) {
    WebSocketCounters::Add(options_.counters->messages_received);
    // A few bytes, inflated and sent back, may be many times as many; the
    // watermark is looked at only between two reads.
    if (session_->frames_bytes() > MaxAnswerBytes()) {
      if (!session_->close_queued()) closing_ = now;
      session_->Close(WSLAY_CODE_POLICY_VIOLATION);
      return;
    }
    if (session_->Send(message.type, message.bytes()).ok()) {
      WebSocketCounters::Add(options_.counters->messages_sent);
    }
  });
  Enqueue(session_->TakeFrames());
  LeaveIfFinished(now);
}

void WebSocketConnection::LeaveIfFinished(absl::Duration now) {
  if (!session_->finished()) return;
  WebSocketCounters::Add(session_->received_close_code() != 0
                             ? options_.counters->closed
                             : options_.counters->failed_sessions);
  Leave(now);
}

size_t WebSocketConnection::MaxAnswerBytes() const {
  return options_.limits.max_message_bytes +
         std::max<uint64_t>(
             options_.limits.max_message_bytes,
             options_.watermarks.off() ? 0 : options_.watermarks.high_bytes);
}

void WebSocketConnection::Enqueue(Buffer bytes) {
  if (over_ || bytes.readable_bytes() == 0) return;
  outbound_.Add(std::move(bytes));
}

void WebSocketConnection::EnqueueText(absl::string_view text) {
  absl::StatusOr<Buffer> bytes = options_.allocator->CopyOf(text);
  if (!bytes.ok()) return End(options_.counters->failed_sessions);
  Enqueue(*std::move(bytes));
}

void WebSocketConnection::Leave(absl::Duration now) {
  state_ = State::kLeaving;
  entered_ = now;
}

void WebSocketConnection::End(WebSocketCounters::Counter& reason) {
  if (std::exchange(over_, true)) return;
  WebSocketCounters::Add(reason);
}

void WebSocketConnection::Write() {
  if (over_) return;
  outbound_.AddFlush();
  const absl::StatusOr<bool> all_out = outbound_.WriteTo(sink_);
  if (!all_out.ok()) {
    outbound_.Close(OutboundFailure::kTransport, all_out.status());
    return End(options_.counters->broken);
  }
  if (*all_out && state_ == State::kLeaving && !half_closed_) {
    half_closed_ = true;
    // Where it fails the peer is gone, which the next read tells.
    shutdown(fd_.get(), SHUT_WR);
  }
  if (*all_out && ended_) over_ = true;
}

void WebSocketConnection::CheckTime(absl::Duration now) {
  const WebSocketLimits& limits = options_.limits;
  switch (state_) {
    case State::kHandshake:
      if (now - entered_ >= limits.handshake) {
        End(options_.counters->timed_out);
      }
      return;
    case State::kLeaving:
      // It is counted as whatever made it leave.
      if (now - entered_ >= limits.leave) over_ = true;
      return;
    case State::kOpen:
      break;
  }
  if (now - heard_ >= limits.idle || now - closing_ >= limits.leave) {
    return End(options_.counters->timed_out);
  }
  if (now - pinged_ >= limits.ping_after) {
    pinged_ = now;
    session_->Ping();
    WebSocketCounters::Add(options_.counters->pings_sent);
    Enqueue(session_->TakeFrames());
    LeaveIfFinished(now);
  }
}

void WebSocketConnection::GoAway(absl::Duration now) {
  if (state_ == State::kHandshake) {
    over_ = true;
  } else if (state_ == State::kOpen) {
    closing_ = now;
    session_->Close(WSLAY_CODE_GOING_AWAY);
    Enqueue(session_->TakeFrames());
  }
}

uint32_t WebSocketConnection::wanted_events() const {
  uint32_t events = 0;
  // Who leaves is read in any case: nothing of it is answered.
  const bool reads = state_ == State::kLeaving || outbound_.writable();
  if (reads && !ended_) events |= EPOLLIN;
  if (!outbound_.empty()) events |= EPOLLOUT;
  return events;
}

}  // namespace poolscope::demo
