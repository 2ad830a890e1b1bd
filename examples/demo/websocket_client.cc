#include "poolscope/examples/demo/websocket_client.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <random>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "poolscope/allocator/outbound/writability.h"
#include "poolscope/examples/demo/websocket_handshake.h"

namespace poolscope::demo {
namespace {

constexpr size_t kKeyBytes = 16;
// Beyond the message expected, so that a wrong one is read and told.
constexpr size_t kMaxMessageBytes = 64 << 10;

// A nonce: another one for each connection, but not a secret.
std::string MakeKey() {
  static std::minstd_rand& random =
      *new std::minstd_rand(std::random_device{}());
  std::string bytes(kKeyBytes, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return absl::Base64Escape(bytes);
}

OutboundOptions Unbounded() {
  // What a client sends is small: a handshake, pongs, a close frame.
  OutboundOptions options;
  options.watermarks = Watermarks::Off();
  return options;
}

}  // namespace

absl::StatusOr<std::unique_ptr<WebSocketClient>> WebSocketClient::Create(
    UniqueFd fd, uint16_t port, const WebSocketClientOptions* options) {
  std::unique_ptr<WebSocketClient> client(
      new WebSocketClient(std::move(fd), options));
  absl::StatusOr<Buffer> request = options->allocator->CopyOf(absl::string_view(
      HandshakeRequest(absl::StrCat("127.0.0.1:", port), client->key_,
                       /*offer_deflate=*/true)));
  if (!request.ok()) return request.status();
  client->Enqueue(*std::move(request));
  return client;
}

WebSocketClient::WebSocketClient(UniqueFd fd,
                                 const WebSocketClientOptions* options)
    : fd_(std::move(fd)),
      options_(*options),
      sink_(fd_.get()),
      outbound_(Unbounded()),
      key_(MakeKey()) {}

absl::Status WebSocketClient::Read(absl::Span<uint8_t> scratch) {
  const ssize_t n = read(fd_.get(), scratch.data(), scratch.size());
  if (n < 0) {
    if (errno == EAGAIN || errno == EINTR) return absl::OkStatus();
    return ErrnoStatus("read");
  }
  if (n == 0) {
    return session_ != nullptr && session_->finished()
               ? absl::OutOfRangeError("closed")
               : absl::UnavailableError("the server has hung up");
  }
  const absl::Span<const uint8_t> bytes = scratch.first(static_cast<size_t>(n));
  return session_ == nullptr ? ReadHandshake(bytes) : ReadFrames(bytes);
}

absl::Status WebSocketClient::ReadHandshake(absl::Span<const uint8_t> bytes) {
  handshake_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const absl::StatusOr<Handshake> handshake =
      CheckHandshakeAnswer(handshake_, key_);
  if (!handshake.ok()) return handshake.status();
  if (handshake->state == Handshake::State::kIncomplete) {
    return absl::OkStatus();
  }
  WebSocketSessionOptions session_options;
  session_options.side = WebSocketSide::kClient;
  session_options.allocator = options_.allocator;
  session_options.zlib_memory = options_.zlib_memory;
  session_options.deflate = handshake->deflate;
  session_options.max_message_bytes =
      options_.expected_message.size() + kMaxMessageBytes;
  absl::StatusOr<std::unique_ptr<WebSocketSession>> session =
      WebSocketSession::Create(session_options);
  if (!session.ok()) return session.status();
  session_ = *std::move(session);
  ++options_.counts->opened;
  const std::string early = handshake_.substr(handshake->size_bytes);
  handshake_ = std::string();
  key_ = std::string();
  return ReadFrames(absl::MakeConstSpan(
      reinterpret_cast<const uint8_t*>(early.data()), early.size()));
}

absl::Status WebSocketClient::ReadFrames(absl::Span<const uint8_t> bytes) {
  session_->Receive(bytes, [this](const WebSocketMessage& message) {
    const absl::string_view text(
        reinterpret_cast<const char*>(message.bytes().data()),
        message.bytes().size());
    ++options_.counts->messages;
    // Only the message on connect is due.
    if (++messages_ != 1 || options_.expected_message.empty() ||
        text != options_.expected_message) {
      ++options_.counts->wrong;
    }
  });
  options_.counts->pings +=
      session_->pings() - std::exchange(pings_, session_->pings());
  Enqueue(session_->TakeFrames());
  return absl::OkStatus();
}

void WebSocketClient::Enqueue(Buffer bytes) {
  if (bytes.readable_bytes() == 0) return;
  outbound_.Add(std::move(bytes));
}

absl::StatusOr<bool> WebSocketClient::Write() {
  outbound_.AddFlush();
  return outbound_.WriteTo(sink_);
}

bool WebSocketClient::BeginClose() {
  if (session_ == nullptr) return false;
  session_->Close(WSLAY_CODE_NORMAL_CLOSURE);
  Enqueue(session_->TakeFrames());
  return true;
}

}  // namespace poolscope::demo
