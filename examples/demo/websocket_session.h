// WebSocketSession: the protocol of one open WebSocket connection, of either
// side, without the socket. Frames are libwslay's work, permessage-deflate is
// ours; payloads and what is to be sent are buffers of the allocator.
//
//   session->Receive(bytes, [&](WebSocketMessage message) { ... });
//   session->Send(WebSocketType::kText, payload);
//   Buffer frames = session->TakeFrames();                   // to be written
//
//              Send(), Ping()         Close(), or the peer's fault
//   open  ------------------> open  ------------------------------> closing
//     |  the peer's close frame: answered                              |
//     +--------------------------> closed <----------------------------+
//                                          the peer's close frame
//
// The peer's faults are answered by the close frame that RFC 6455 has for them,
// and nothing is read after it:
//
//   1002  bad frames, such as a client's without a mask
//   1007  text that is not UTF-8, or bytes that do not inflate
//   1009  a message above max_message_bytes, sent or inflated
//   1011  no memory for a message
//
// Pings are answered at once. A payload to send is copied once by libwslay, by
// malloc, for the time of the call.
//
// Thread-compatible.
#ifndef POOLSCOPE_EXAMPLES_DEMO_WEBSOCKET_SESSION_H_
#define POOLSCOPE_EXAMPLES_DEMO_WEBSOCKET_SESSION_H_

#include <wslay/wslay.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "poolscope/allocator/buffer/buffer.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/examples/demo/deflate_parameters.h"
#include "poolscope/examples/demo/permessage_deflate.h"
#include "poolscope/metrics/native_memory/native_memory_category.h"

namespace poolscope::demo {

enum class WebSocketType : uint8_t { kText, kBinary };

struct WebSocketMessage {
  WebSocketType type = WebSocketType::kText;
  Buffer payload;  // inflated; not open when it is empty

  absl::Span<const uint8_t> bytes() const;
};

enum class WebSocketSide : uint8_t { kServer, kClient };

struct WebSocketSessionOptions {
  WebSocketSide side = WebSocketSide::kServer;
  BufferAllocator* allocator = nullptr;
  NativeMemoryCategory* zlib_memory = nullptr;
  std::optional<DeflateParameters> deflate;  // unset: nothing is compressed
  size_t max_message_bytes = 64 << 10;
};

class WebSocketSession {
 public:
  // What the options point to outlives the session. ResourceExhaustedError when
  // malloc has no memory.
  static absl::StatusOr<std::unique_ptr<WebSocketSession>> Create(
      const WebSocketSessionOptions& options);

  ~WebSocketSession();
  WebSocketSession(const WebSocketSession&) = delete;
  WebSocketSession& operator=(const WebSocketSession&) = delete;

  using OnMessage = absl::FunctionRef<void(WebSocketMessage)>;

  // Takes all of what the peer sent, and hands over each message that is whole;
  // the call may Send() and Close(). Nothing once reading() is false.
  void Receive(absl::Span<const uint8_t> bytes, OnMessage on_message);

  // Queues a message; compressed where that was agreed on and it is not empty.
  // FailedPreconditionError once closing, ResourceExhaustedError without
  // memory; then the session closes itself (1011).
  absl::Status Send(WebSocketType type, absl::Span<const uint8_t> payload);
  // Queues a ping without payload. Nothing once closing.
  void Ping();
  // Queues a close frame and reads on for the peer's. Nothing once closing.
  void Close(uint16_t code);

  // The frames made since the last call, in one buffer; not open when there are
  // none.
  Buffer TakeFrames() { return std::move(output_); }
  // How many bytes it would give.
  size_t frames_bytes() const { return output_.readable_bytes(); }

  // Whether the peer is listened to: until its close frame or its fault.
  bool reading() const;
  // The peer has closed or was at fault, and that is answered; or there is no
  // memory to answer with. What TakeFrames() has is the last.
  bool finished() const { return close_queued_ && !reading(); }
  bool close_queued() const { return close_queued_; }
  // Of the peer's close frame, 1005 for one without a code; 0: none yet.
  uint16_t received_close_code() const { return received_close_code_; }
  // Pings and pongs seen.
  uint64_t pings() const { return pings_; }
  uint64_t pongs() const { return pongs_; }

 private:
  explicit WebSocketSession(const WebSocketSessionOptions& options);

  absl::Status Init();
  // Makes frames of what libwslay has queued, in order; false where there is no
  // memory for them.
  bool Pump();
  bool MakeRoom(size_t size);
  // Queues the close frame for a fault of the peer's, and stops reading.
  void Fail(uint16_t code);
  void FailFor(const absl::Status& status);
  // For a frame that libwslay cannot read on behind. It queues a close frame
  // without a code, in whose place this writes ours.
  void FailFraming();

  // libwslay's callbacks, with the session as their last argument.
  static ssize_t OnRecv(wslay_event_context_ptr, uint8_t* to, size_t size, int,
                        void* session);
  static ssize_t OnSend(wslay_event_context_ptr, const uint8_t* from,
                        size_t size, int, void* session);
  static int OnMask(wslay_event_context_ptr, uint8_t* to, size_t size, void*);
  static void OnFrameStart(wslay_event_context_ptr,
                           const wslay_event_on_frame_recv_start_arg* frame,
                           void* session);
  static void OnFrameBytes(wslay_event_context_ptr,
                           const wslay_event_on_frame_recv_chunk_arg* bytes,
                           void* session);
  static void OnWhole(wslay_event_context_ptr,
                      const wslay_event_on_msg_recv_arg* message,
                      void* session);

  void StartFrame(const wslay_event_on_frame_recv_start_arg& frame);
  void AppendToMessage(absl::Span<const uint8_t> bytes);
  void AppendToClose(absl::Span<const uint8_t> bytes);
  void FinishMessage(const wslay_event_on_msg_recv_arg& message);

  const WebSocketSessionOptions options_;
  std::optional<MessageDeflater> deflater_;
  std::optional<MessageInflater> inflater_;
  wslay_event_context_ptr frames_ = nullptr;

  // During Receive().
  absl::Span<const uint8_t> input_;
  const OnMessage* on_message_ = nullptr;

  Buffer message_;             // so far; not open when empty
  bool in_data_ = false;       // the frame being read is one of a message
  size_t announced_ = 0;       // bytes of its frames so far, by their headers
  size_t close_bytes_ = 0;     // of the close frame being read; 0: none is
  std::string close_payload_;  // of it, so far
  Buffer output_;              // frames; not open when there are none
  bool close_queued_ = false;
  bool failed_ = false;  // nothing is read any more
  uint16_t received_close_code_ = 0;
  uint64_t pings_ = 0;
  uint64_t pongs_ = 0;
};

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_WEBSOCKET_SESSION_H_
