// The opening handshake of a WebSocket connection (RFC 6455, section 4), of
// both sides: from the text received to what is to be answered.
//
//   client                                        server
//   HandshakeRequest() ------------------------>  AnswerHandshake()
//   CheckHandshakeAnswer() <--------------------    .answer
//
// No request is taken that the RFC does not allow, and none that is longer than
// kMaxHttpHeadBytes; a refusal is a whole HTTP response, after which the
// connection ends:
//
//   400  not a handshake, or not HTTP      431  too long
//   405  not GET                           505  not HTTP/1.1
//   426  no upgrade to WebSocket, or a version other than 13
//
// Pure functions and plain values.
#ifndef POOLSCOPE_EXAMPLES_DEMO_WEBSOCKET_HANDSHAKE_H_
#define POOLSCOPE_EXAMPLES_DEMO_WEBSOCKET_HANDSHAKE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "poolscope/examples/demo/deflate_parameters.h"

namespace poolscope::demo {

struct Handshake {
  enum class State : uint8_t { kIncomplete, kAccepted, kRefused };

  State state = State::kIncomplete;
  // Unless incomplete: what to send.
  std::string answer;
  // When accepted: the bytes it took, behind which frames begin, and what was
  // agreed on; unset: messages are not compressed.
  size_t size_bytes = 0;
  std::optional<DeflateParameters> deflate;
};

// What to answer to all that a client has sent so far.
Handshake AnswerHandshake(absl::string_view received);

// The client's request. `key` is 16 bytes in base64, which the server's answer
// must prove to have seen.
std::string HandshakeRequest(absl::string_view host, absl::string_view key,
                             bool offer_deflate);

// Sec-WebSocket-Accept for that key.
std::string HandshakeAccept(absl::string_view key);

// What the server has answered so far. InvalidArgumentError (ResourceExhausted
// where too long) when it refuses or is no WebSocket server.
absl::StatusOr<Handshake> CheckHandshakeAnswer(absl::string_view received,
                                               absl::string_view key);

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_WEBSOCKET_HANDSHAKE_H_
