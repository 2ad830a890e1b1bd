#include "poolscope/examples/demo/websocket_session.h"

#include <algorithm>
#include <cstring>
#include <random>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/string_view.h"
#include "poolscope/metrics/utf8.h"

namespace poolscope::demo {
namespace {

// The longest header of a frame: 2 bytes, 8 of length, 4 of mask.
constexpr size_t kMaxHeaderBytes = 14;
constexpr size_t kCloseCodeBytes = 2;
// A message's buffer grows as its bytes come, not as its header promises.
constexpr size_t kFirstMessageBytes = 512;

WebSocketSession* Self(void* session) {
  return static_cast<WebSocketSession*>(session);
}

absl::Span<const uint8_t> Readable(const Buffer& buffer) {
  // One piece: it was allocated as one.
  if (buffer.readable_bytes() == 0) return {};
  return buffer.Contiguous(buffer.reader_offset())
      .first(buffer.readable_bytes());
}

absl::string_view Text(absl::Span<const uint8_t> bytes) {
  return absl::string_view(reinterpret_cast<const char*>(bytes.data()),
                           bytes.size());
}

}  // namespace

absl::Span<const uint8_t> WebSocketMessage::bytes() const {
  return Readable(payload);
}

absl::StatusOr<std::unique_ptr<WebSocketSession>> WebSocketSession::Create(
    const WebSocketSessionOptions& options) {
  std::unique_ptr<WebSocketSession> session(new WebSocketSession(options));
  const absl::Status status = session->Init();
  if (!status.ok()) return status;
  return session;
}

WebSocketSession::WebSocketSession(const WebSocketSessionOptions& options)
    : options_(options) {
  if (!options_.deflate.has_value()) return;
  const DeflateParameters& deflate = *options_.deflate;
  if (options_.side == WebSocketSide::kServer) {
    deflater_.emplace(deflate.server_window_bits(),
                      !deflate.server_no_context_takeover,
                      options_.zlib_memory);
    inflater_.emplace(!deflate.client_no_context_takeover,
                      options_.zlib_memory);
  } else {
    deflater_.emplace(DeflateParameters::kMaxWindowBits,
                      !deflate.client_no_context_takeover,
                      options_.zlib_memory);
    inflater_.emplace(!deflate.server_no_context_takeover,
                      options_.zlib_memory);
  }
}

absl::Status WebSocketSession::Init() {
  wslay_event_callbacks callbacks{};
  callbacks.recv_callback = &OnRecv;
  callbacks.send_callback = &OnSend;
  callbacks.genmask_callback = &OnMask;
  callbacks.on_frame_recv_start_callback = &OnFrameStart;
  callbacks.on_frame_recv_chunk_callback = &OnFrameBytes;
  callbacks.on_msg_recv_callback = &OnWhole;
  const int result =
      options_.side == WebSocketSide::kServer
          ? wslay_event_context_server_init(&frames_, &callbacks, this)
          : wslay_event_context_client_init(&frames_, &callbacks, this);
  if (result != 0) {
    frames_ = nullptr;
    return absl::ResourceExhaustedError("malloc has no memory for a session");
  }
  wslay_event_config_set_no_buffering(frames_, 1);
  wslay_event_config_set_max_recv_msg_length(frames_,
                                             options_.max_message_bytes);
  if (options_.deflate.has_value()) {
    wslay_event_config_set_allowed_rsv_bits(frames_, WSLAY_RSV1_BIT);
  }
  return absl::OkStatus();
}

WebSocketSession::~WebSocketSession() { wslay_event_context_free(frames_); }

bool WebSocketSession::reading() const {
  return !failed_ && wslay_event_get_read_enabled(frames_) != 0;
}

void WebSocketSession::Receive(absl::Span<const uint8_t> bytes,
                               OnMessage on_message) {
  if (!reading()) return;
  input_ = bytes;
  on_message_ = &on_message;
  const auto done = absl::MakeCleanup([this] {
    input_ = {};
    on_message_ = nullptr;
  });
  if (wslay_event_recv(frames_) != 0) {
    FailFraming();
  } else {
    Pump();
    // After the peer's close frame, or a fault; libwslay has answered it.
    if (wslay_event_get_read_enabled(frames_) == 0) close_queued_ = true;
  }
  if (!reading()) message_.Close();
}

void WebSocketSession::Fail(uint16_t code) {
  Close(code);
  wslay_event_shutdown_read(frames_);
  failed_ = true;
}

void WebSocketSession::FailFor(const absl::Status& status) {
  // First: its memory may be what a close frame lacks.
  message_.Close();
  if (absl::IsInvalidArgument(status)) {
    Fail(WSLAY_CODE_INVALID_FRAME_PAYLOAD_DATA);
  } else if (absl::IsOutOfRange(status)) {
    Fail(WSLAY_CODE_MESSAGE_TOO_BIG);
  } else {
    Fail(WSLAY_CODE_INTERNAL_SERVER_ERROR);
  }
}

absl::Status WebSocketSession::Send(WebSocketType type,
                                    absl::Span<const uint8_t> payload) {
  if (close_queued_) {
    return absl::FailedPreconditionError("the session is closing");
  }
  wslay_event_msg message{};
  message.opcode =
      type == WebSocketType::kText ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME;
  message.msg = payload.data();
  message.msg_length = payload.size();
  uint8_t reserved = WSLAY_RSV_NONE;
  Buffer deflated;
  if (deflater_.has_value() && !payload.empty()) {
    absl::StatusOr<Buffer> result =
        deflater_->Deflate(payload, *options_.allocator);
    if (!result.ok()) {
      FailFor(result.status());
      return result.status();
    }
    deflated = *std::move(result);
    message.msg = Readable(deflated).data();
    message.msg_length = deflated.readable_bytes();
    reserved = WSLAY_RSV1_BIT;
  }
  if (wslay_event_queue_msg_ex(frames_, &message, reserved) != 0) {
    Fail(WSLAY_CODE_INTERNAL_SERVER_ERROR);
    return absl::ResourceExhaustedError("malloc has no memory for a frame");
  }
  // At once: libwslay would let a close frame overtake it.
  if (!Pump()) {
    return absl::ResourceExhaustedError("there is no memory for a frame");
  }
  return absl::OkStatus();
}

void WebSocketSession::Ping() {
  if (close_queued_) return;
  wslay_event_msg ping{};
  ping.opcode = WSLAY_PING;
  // Without memory there is no ping; the next one may find some.
  wslay_event_queue_msg(frames_, &ping);
  Pump();
}

void WebSocketSession::Close(uint16_t code) {
  if (close_queued_) return;
  close_queued_ = true;
  wslay_event_queue_close(frames_, code, nullptr, 0);
  Pump();
}

bool WebSocketSession::Pump() {
  const size_t count = wslay_event_get_queued_msg_count(frames_);
  // Behind a close frame nothing is sent, what is queued or not.
  if (count == 0 || wslay_event_get_write_enabled(frames_) == 0) return true;
  const size_t needed =
      wslay_event_get_queued_msg_length(frames_) + count * kMaxHeaderBytes;
  if (MakeRoom(needed) && wslay_event_send(frames_) == 0) return true;
  // Not even a close frame: the connection just ends.
  close_queued_ = true;
  failed_ = true;
  return false;
}

bool WebSocketSession::MakeRoom(size_t size) {
  if (output_.is_open()) return output_.EnsureWritable(size).ok();
  absl::StatusOr<Buffer> buffer = options_.allocator->Allocate(size);
  if (buffer.ok()) output_ = *std::move(buffer);
  return buffer.ok();
}

void WebSocketSession::FailFraming() {
  failed_ = true;
  if (std::exchange(close_queued_, true)) return;
  if (!MakeRoom(kMaxHeaderBytes)) return;
  const bool masked = options_.side == WebSocketSide::kClient;
  output_.WriteU8(0x80 | WSLAY_CONNECTION_CLOSE);  // a whole message
  output_.WriteU8(masked ? 0x80 | 2 : 2);          // of 2 bytes
  if (masked) output_.WriteU32(0);
  output_.WriteU16(WSLAY_CODE_PROTOCOL_ERROR);
}

ssize_t WebSocketSession::OnRecv(wslay_event_context_ptr context, uint8_t* to,
                                 size_t size, int, void* session) {
  absl::Span<const uint8_t>& input = Self(session)->input_;
  const size_t taken = std::min(size, input.size());
  if (taken == 0) {
    wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
    return -1;
  }
  std::memcpy(to, input.data(), taken);
  input.remove_prefix(taken);
  return static_cast<ssize_t>(taken);
}

ssize_t WebSocketSession::OnSend(wslay_event_context_ptr, const uint8_t* from,
                                 size_t size, int, void* session) {
  Self(session)->output_.WriteBytes(absl::MakeConstSpan(from, size));
  return static_cast<ssize_t>(size);
}

int WebSocketSession::OnMask(wslay_event_context_ptr, uint8_t* to, size_t size,
                             void*) {
  // A mask keeps scripts in browsers from choosing the bytes on the wire; there
  // are none here, so that it need not be hard to guess.
  thread_local std::minstd_rand random{std::random_device{}()};
  for (size_t i = 0; i < size; ++i) to[i] = static_cast<uint8_t>(random());
  return 0;
}

void WebSocketSession::OnFrameStart(
    wslay_event_context_ptr, const wslay_event_on_frame_recv_start_arg* frame,
    void* session) {
  Self(session)->StartFrame(*frame);
}

void WebSocketSession::OnFrameBytes(
    wslay_event_context_ptr, const wslay_event_on_frame_recv_chunk_arg* bytes,
    void* session) {
  Self(session)->AppendToMessage(
      absl::MakeConstSpan(bytes->data, bytes->data_length));
}

void WebSocketSession::OnWhole(wslay_event_context_ptr,
                               const wslay_event_on_msg_recv_arg* message,
                               void* session) {
  Self(session)->FinishMessage(*message);
}

void WebSocketSession::StartFrame(
    const wslay_event_on_frame_recv_start_arg& frame) {
  in_data_ = !wslay_is_ctrl_frame(frame.opcode);
  if (!in_data_) {
    if (frame.opcode != WSLAY_CONNECTION_CLOSE) return;
    close_bytes_ = frame.payload_length;
    // A code has two bytes; libwslay would take one byte for none.
    if (close_bytes_ == 1) Fail(WSLAY_CODE_PROTOCOL_ERROR);
    return;
  }
  // Each frame is within the limit by itself.
  announced_ += frame.payload_length;
  if (announced_ > options_.max_message_bytes) Fail(WSLAY_CODE_MESSAGE_TOO_BIG);
}

void WebSocketSession::AppendToMessage(absl::Span<const uint8_t> bytes) {
  if (failed_ || bytes.empty()) return;
  if (!in_data_) return AppendToClose(bytes);
  if (!message_.is_open()) {
    absl::StatusOr<Buffer> buffer = options_.allocator->Allocate(
        std::max(bytes.size(), std::min(announced_, kFirstMessageBytes)));
    if (!buffer.ok()) return FailFor(buffer.status());
    message_ = *std::move(buffer);
  }
  const absl::Status status = message_.EnsureWritable(bytes.size());
  if (!status.ok()) return FailFor(status);
  message_.WriteBytes(bytes);
}

void WebSocketSession::AppendToClose(absl::Span<const uint8_t> bytes) {
  if (close_bytes_ == 0) return;  // a ping's or pong's
  // libwslay looks at a reason that comes in pieces only in part, and would
  // send back what is not UTF-8.
  close_payload_.append(bytes.begin(), bytes.end());
  if (close_payload_.size() == close_bytes_ &&
      !IsUtf8(absl::string_view(close_payload_).substr(kCloseCodeBytes))) {
    Fail(WSLAY_CODE_INVALID_FRAME_PAYLOAD_DATA);
  }
}

void WebSocketSession::FinishMessage(
    const wslay_event_on_msg_recv_arg& message) {
  if (failed_) return;
  if (message.opcode == WSLAY_PING) ++pings_;
  if (message.opcode == WSLAY_PONG) ++pongs_;
  if (message.opcode == WSLAY_CONNECTION_CLOSE) {
    received_close_code_ = message.status_code == 0
                               ? uint16_t{WSLAY_CODE_NO_STATUS_RCVD}
                               : message.status_code;
  }
  if (wslay_is_ctrl_frame(message.opcode)) return;

  Buffer payload = std::move(message_);
  announced_ = 0;
  if (wslay_get_rsv1(message.rsv)) {
    absl::StatusOr<Buffer> inflated = inflater_->Inflate(
        Readable(payload), options_.max_message_bytes, *options_.allocator);
    payload.Close();
    if (!inflated.ok()) return FailFor(inflated.status());
    payload = *std::move(inflated);
    if (message.opcode == WSLAY_TEXT_FRAME &&
        !IsUtf8(Text(Readable(payload)))) {
      return Fail(WSLAY_CODE_INVALID_FRAME_PAYLOAD_DATA);
    }
  }
  (*on_message_)(WebSocketMessage{message.opcode == WSLAY_TEXT_FRAME
                                      ? WebSocketType::kText
                                      : WebSocketType::kBinary,
                                  std::move(payload)});
}

}  // namespace poolscope::demo
