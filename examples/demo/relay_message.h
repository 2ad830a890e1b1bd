// What the relay's workers hand to one another, blocks included. A block that
// was allocated by the worker that posts is freed by the one that receives:
// the remote frees of the demo.
#ifndef POOLSCOPE_EXAMPLES_DEMO_RELAY_MESSAGE_H_
#define POOLSCOPE_EXAMPLES_DEMO_RELAY_MESSAGE_H_

#include <cstdint>
#include <variant>

#include "poolscope/examples/demo/frame.h"
#include "poolscope/examples/demo/pool_block.h"
#include "poolscope/examples/demo/socket.h"

namespace poolscope::demo {

// Where a request came from and its answer goes.
struct Origin {
  int worker = 0;
  uint64_t connection = 0;  // the worker's token for it
  uint64_t request_id = 0;  // on that connection
};

// A connection for the receiver to serve.
struct NewClient {
  UniqueFd fd;
};

// A request for the receiver's connection to the upstream.
struct ForwardedRequest {
  Origin origin;
  FrameHeader header;
  PoolBlock payload;
};

// An answer for a client of the receiver.
struct ReturnedAnswer {
  Origin origin;
  FrameHeader header;  // `id` is not set
  PoolBlock payload;
};

using RelayMessage = std::variant<NewClient, ForwardedRequest, ReturnedAnswer>;

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_RELAY_MESSAGE_H_
