#include "poolscope/exporter/http_connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "poolscope/exporter/response_head.h"

namespace poolscope {
namespace {

constexpr size_t kReadBytes = 4096;

// Bodies up to this go out in one piece with their head.
constexpr size_t kOneWriteBytes = 4096;

// What to wait for until Wait() knows better.
short FirstEvents(HttpConnection::State state) {
  switch (state) {
    case HttpConnection::State::kServing:
      return POLLRDHUP;
    case HttpConnection::State::kWriting:
      return POLLOUT;  // an answer may be left for the next turn
    default:
      return 0;
  }
}

}  // namespace

HttpConnection::HttpConnection(uint64_t id, int fd,
                               std::unique_ptr<Transport> transport,
                               const Limits& limits, HttpService* service,
                               SteadyTime now)
    : id_(id),
      fd_(fd),
      transport_(std::move(transport)),
      limits_(limits),
      service_(service),
      scanner_(limits.max_head_bytes) {
  Enter(State::kHandshake, now);
  if (transport_ == nullptr) Close(now);
}

HttpConnection::~HttpConnection() { Close(since_); }

std::unique_ptr<HttpExchange> HttpConnection::Advance(SteadyTime now) {
  bool go_on = true;
  while (go_on) {
    switch (state_) {
      case State::kHandshake:
        go_on = AdvanceHandshake(now);
        break;
      case State::kReading:
        go_on = AdvanceReading(now);
        break;
      case State::kWriting:
        go_on = AdvanceWriting(now);
        break;
      case State::kLingering:
        go_on = AdvanceLingering(now);
        break;
      case State::kServing:
      case State::kClosed:
        go_on = false;
        break;
    }
  }
  return std::move(ready_);
}

void HttpConnection::Answer(std::unique_ptr<HttpExchange> exchange,
                            SteadyTime now) {
  received_ = exchange->received;
  Send(std::move(exchange->response), exchange->parsed.request.method != "HEAD",
       now);
}

void HttpConnection::HangUp() {
  hung_up_ = true;
  poll_events_ = 0;  // it would be told again and again
}

bool HttpConnection::Expire(SteadyTime now) {
  if (state_ == State::kWriting && progress_bytes_ >= kMinProgressBytes) {
    progress_bytes_ = 0;
    deadline_ = now + limits_.timeout;
    return false;
  }
  if (state_ == State::kReading && !input_.empty()) {
    Refuse({408, "the request did not arrive in time"}, input_, now);
  } else {
    Close(now);
  }
  return true;
}

void HttpConnection::Close(SteadyTime now) {
  if (state_ == State::kClosed) return;
  if (state_ == State::kWriting) EndAnswer(now);
  Enter(State::kClosed, now);
  if (transport_ != nullptr) transport_->ShutDown();
  // A child that was forked meanwhile may have the socket too, and closing it
  // here alone would tell the client nothing.
  shutdown(fd_, SHUT_RDWR);
  close(fd_);
  std::string().swap(input_);
}

void HttpConnection::Enter(State state, SteadyTime now) {
  state_ = state;
  since_ = now;
  deadline_ = state == State::kServing || state == State::kClosed
                  ? SteadyTime::max()
                  : now + limits_.timeout;
  poll_events_ = FirstEvents(state);
  hung_up_ = false;
}

bool HttpConnection::AdvanceHandshake(SteadyTime now) {
  const IoStatus status = transport_->Handshake();
  if (status != IoStatus::kDone) return Wait(status, now);
  Enter(State::kReading, now);
  return true;
}

bool HttpConnection::AdvanceReading(SteadyTime now) {
  if (TakeHead(now)) return true;
  char bytes[kReadBytes];
  const IoResult result = transport_->Read(bytes, sizeof(bytes));
  if (result.status != IoStatus::kDone) return Wait(result.status, now);
  if (input_.empty() && !first_request_) deadline_ = now + limits_.timeout;
  input_.append(bytes, result.bytes);
  return true;
}

bool HttpConnection::TakeHead(SteadyTime now) {
  const HeadScanner::Result scan = scanner_.Scan(input_);
  if (scan.state == HeadScanner::State::kIncomplete) return false;
  if (scan.state == HeadScanner::State::kRefused) {
    Refuse(scan.refusal, input_, now);
    return true;
  }
  auto exchange = std::make_unique<HttpExchange>();
  exchange->connection = id_;
  exchange->received = now;
  exchange->head.assign(input_, scan.begin, scan.end - scan.begin);
  input_.erase(0, scan.end);
  scanner_.Restart();
  const std::optional<HttpRefusal> refusal =
      ParseHead(exchange->head, &exchange->parsed);
  if (refusal) {
    Refuse(*refusal, exchange->head, now);
    return true;
  }
  // What follows a body that is not read is no request.
  keep_alive_ = exchange->parsed.keep_alive && !exchange->parsed.has_body;
  ready_ = std::move(exchange);
  Enter(State::kServing, now);
  return true;
}

void HttpConnection::Refuse(const HttpRefusal& refusal, absl::string_view head,
                            SteadyTime now) {
  keep_alive_ = false;
  received_ = now;
  Send(LineResponse(refusal.status, std::string(refusal.reason)),
       !absl::StartsWith(absl::StripPrefix(head, "\r\n"), "HEAD "), now);
}

void HttpConnection::Send(HttpResponse response, bool with_body,
                          SteadyTime now) {
  response_ = std::move(response);
  head_text_ = ResponseHead(response_, keep_alive_, absl::Now());
  body_ = with_body ? response_.body : absl::string_view();
  if (body_.size() <= kOneWriteBytes) {
    head_text_.append(body_.data(), body_.size());
    body_ = "";
  }
  head_ = head_text_;
  progress_bytes_ = 0;
  Enter(State::kWriting, now);
}

bool HttpConnection::AdvanceWriting(SteadyTime now) {
  while (unsent_bytes() > 0) {
    absl::string_view& next = head_.empty() ? body_ : head_;
    const IoResult result = transport_->Write(next);
    if (result.status != IoStatus::kDone) return Wait(result.status, now);
    next.remove_prefix(result.bytes);
    progress_bytes_ += result.bytes;
  }
  EndAnswer(now);
  if (keep_alive_) {
    first_request_ = false;
    if (input_.empty()) std::string().swap(input_);
    Enter(State::kReading, now);
  } else {
    std::string().swap(input_);
    transport_->ShutDown();
    Enter(State::kLingering, now);
  }
  return true;
}

void HttpConnection::EndAnswer(SteadyTime now) {
  service_->Served(response_.handler, response_.status,
                   absl::FromChrono(now - received_));
  head_ = body_ = "";
  response_ = HttpResponse();
}

bool HttpConnection::AdvanceLingering(SteadyTime now) {
  char bytes[kReadBytes];
  const IoResult result = transport_->Read(bytes, sizeof(bytes));
  if (result.status != IoStatus::kDone) return Wait(result.status, now);
  lingered_bytes_ += result.bytes;
  if (lingered_bytes_ > kMaxLingerBytes) Close(now);
  return true;
}

bool HttpConnection::Wait(IoStatus status, SteadyTime now) {
  switch (status) {
    case IoStatus::kWantsToRead:
      poll_events_ = POLLIN;
      break;
    case IoStatus::kWantsToWrite:
      poll_events_ = POLLOUT;
      break;
    case IoStatus::kDone:
    case IoStatus::kEnded:
    case IoStatus::kFailed:
      Close(now);
      break;
  }
  return false;
}

}  // namespace poolscope
