// What a client may send, as a target of libFuzzer: `./dev fuzz websocket`.
//
// The first byte of the input says whether messages are deflated, and into
// pieces of how many bytes the rest is cut. The rest is a handshake, or else
// frames, which are fed to a session whole and in pieces. These end it, besides
// the sanitizers: pieces that give other messages than the whole, an answer
// that a client does not understand, memory that stays.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/examples/demo/deflate_parameters.h"
#include "poolscope/examples/demo/websocket_handshake.h"
#include "poolscope/examples/demo/websocket_session.h"
#include "poolscope/metrics/native_memory/native_memory_category.h"

namespace poolscope::demo {
namespace {

constexpr size_t kMaxMessageBytes = 4096;

void Check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "websocket_fuzz: %s\n", what);
  std::abort();
}

std::unique_ptr<WebSocketSession> Open(WebSocketSide side, bool deflates,
                                       BufferAllocator* allocator,
                                       NativeMemoryCategory* memory) {
  WebSocketSessionOptions options;
  options.side = side;
  options.allocator = allocator;
  options.zlib_memory = memory;
  if (deflates) options.deflate.emplace();
  options.max_message_bytes = kMaxMessageBytes;
  return *WebSocketSession::Create(options);
}

// The messages in the frames; each is sent back, and must arrive as it was.
std::vector<std::string> Play(absl::Span<const uint8_t> frames, size_t step,
                              bool deflates, BufferAllocator* allocator,
                              NativeMemoryCategory* memory) {
  const auto server = Open(WebSocketSide::kServer, deflates, allocator, memory);
  const auto client = Open(WebSocketSide::kClient, deflates, allocator, memory);
  std::vector<std::string> messages;
  std::vector<std::string> echoes;
  size_t answered = 0;
  for (size_t i = 0; i < frames.size(); i += step) {
    server->Receive(frames.subspan(i, step), [&](const WebSocketMessage& m) {
      Check(m.bytes().size() <= kMaxMessageBytes, "a message above the limit");
      messages.emplace_back(m.bytes().begin(), m.bytes().end());
      if (server->Send(m.type, m.bytes()).ok()) ++answered;
    });
    const Buffer sent = server->TakeFrames();
    if (sent.readable_bytes() == 0) continue;
    client->Receive(
        sent.Contiguous(sent.reader_offset()).first(sent.readable_bytes()),
        [&](const WebSocketMessage& m) {
          echoes.emplace_back(m.bytes().begin(), m.bytes().end());
        });
    Check(client->reading() || client->received_close_code() != 0,
          "a client does not understand the answer");
  }
  Check(echoes.size() == answered, "an echo is missing");
  for (size_t i = 0; i < echoes.size(); ++i) {
    Check(echoes[i] == messages[i], "an echo is another message");
  }
  Check(server->reading() || server->finished(), "neither open nor finished");
  return messages;
}

void Fuzz(absl::Span<const uint8_t> input) {
  if (input.empty()) return;
  static BufferAllocator& allocator =
      *BufferAllocator::Unpooled(UnpooledOptions())->release();
  static NativeMemoryCategory& memory = *new NativeMemoryCategory;
  const bool deflates = (input[0] & 1) != 0;
  const size_t step = 1 + (input[0] >> 1);
  input.remove_prefix(1);

  const absl::string_view text(reinterpret_cast<const char*>(input.data()),
                               input.size());
  const Handshake handshake = AnswerHandshake(text);
  if (handshake.state == Handshake::State::kAccepted) {
    Check(handshake.size_bytes <= text.size(), "a head beyond its text");
    input.remove_prefix(handshake.size_bytes);
  }
  CheckHandshakeAnswer(text, "dGhlIHNhbXBsZSBub25jZQ==").status().IgnoreError();
  if (const auto parameters = AcceptDeflateOffer(text);
      parameters.has_value()) {
    const std::string answer = DeflateAnswer(*parameters);
    Check(ParseDeflateAnswer(answer).ok(), "an answer that no client takes");
  }

  const std::vector<std::string> whole =
      Play(input, input.size() + 1, deflates, &allocator, &memory);
  Check(Play(input, step, deflates, &allocator, &memory) == whole,
        "pieces make other messages");
  Check(allocator.Stats().direct_used_bytes == 0, "a buffer stays");
  Check(memory.Read().malloc_bytes == 0, "a state of zlib's stays");
}

}  // namespace
}  // namespace poolscope::demo

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  poolscope::demo::Fuzz(absl::MakeConstSpan(data, size));
  return 0;
}
