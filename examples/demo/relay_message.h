// What the relay's workers hand to one another, payloads included: buffers that
// are sent by one worker and received by another. A block that was allocated by
// the one is freed by the other: the remote frees of the demo.
#ifndef POOLSCOPE_EXAMPLES_DEMO_RELAY_MESSAGE_H_
#define POOLSCOPE_EXAMPLES_DEMO_RELAY_MESSAGE_H_

#include <cstdint>
#include <utility>
#include <variant>

#include "poolscope/allocator/buffer/buffer.h"
#include "poolscope/allocator/buffer/sent_buffer.h"
#include "poolscope/examples/demo/frame.h"
#include "poolscope/examples/demo/socket.h"

namespace poolscope::demo {

// Where a request came from and its answer goes.
struct Origin {
  int worker = 0;
  uint64_t connection = 0;  // the worker's token for it
  uint64_t request_id = 0;  // on that connection
  uint32_t length = 0;      // of its payload
};

// A connection for the receiver to serve.
struct NewClient {
  UniqueFd fd;
};

// A request for the receiver's connection to the upstream.
struct ForwardedRequest {
  Origin origin;
  FrameHeader header;
  SentBuffer frame;
};

// An answer for a client of the receiver.
struct ReturnedAnswer {
  Origin origin;
  FrameHeader header;  // `id` is not set
  SentBuffer frame;    // empty where a refusal has none
};

// Whether the upstream's connection of a worker takes more requests.
struct UpstreamState {
  int worker = 0;
  bool writable = true;
};

// The memory governor wants something of a client of the receiver.
struct GovernorNotice {
  uint64_t connection = 0;
};

// A frame's buffer, or none, on its way and back.
inline SentBuffer SendFrame(Buffer frame) {
  return frame.is_open() ? frame.Send() : SentBuffer();
}
inline Buffer ReceiveFrame(SentBuffer frame) {
  return frame.is_pending() ? frame.Receive() : Buffer();
}

using RelayMessage = std::variant<NewClient, ForwardedRequest, ReturnedAnswer,
                                  UpstreamState, GovernorNotice>;

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_RELAY_MESSAGE_H_
