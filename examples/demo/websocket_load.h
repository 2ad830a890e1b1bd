// The load of the WebSocket server: connections that are opened at a rate and
// kept open, in a process of their own, so that their memory is not the
// server's.
//
//   demo (server)  --spawns-->  demo --websocket-load=... (this)
//        |                        |  stdin: its end is the order to close all
//        |  <----- stdout --------+  stdout: a line of counts 5 times a second,
//                                    or "error TEXT"
//
// The process ends when its connections are closed, or 30 s after the order;
// and with its parent, however that ends.
#ifndef POOLSCOPE_EXAMPLES_DEMO_WEBSOCKET_LOAD_H_
#define POOLSCOPE_EXAMPLES_DEMO_WEBSOCKET_LOAD_H_

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "poolscope/examples/demo/socket.h"

namespace poolscope::demo {

struct WebSocketLoadOptions {
  uint16_t port = 0;  // of the server, on the loopback interface
  int connections = 0;
  absl::Duration connect_delay;
  // Of the message on connect; 0: none is expected.
  uint64_t message_bytes = 0;
};

// The message of so many bytes that a server sends on connect: text that
// deflates about as well as a service's own.
std::string ConnectMessage(uint64_t bytes);

// The argument that makes the demo a load, and back; nothing for another
// argument.
std::string FormatLoadArgument(const WebSocketLoadOptions& options);
std::optional<WebSocketLoadOptions> ParseLoadArgument(
    absl::string_view argument);

// Runs the load until `input` ends and all is closed. An error says why it
// could not go on; a connection that is lost is none, and counted.
absl::Status RunWebSocketLoad(const WebSocketLoadOptions& options,
                              const UniqueFd& input, std::FILE* out);

// The main function of the process: asks to be ended with its parent, runs the
// load between standard input and output, and returns the exit status.
int WebSocketLoadMain(const WebSocketLoadOptions& options);

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_WEBSOCKET_LOAD_H_
