// RunWebSocket: the scenario websocket, from its load to its summary.
//
//   load (a process)  <-- 10000 sockets -->  WebSocketServer (16 threads)
//                                              pool: what is being written
//                                              malloc: zlib's state, sessions
//
// The calling thread waits for the end, and prints a line a second with what
// the pool, malloc and each mapping hold.
#ifndef POOLSCOPE_EXAMPLES_DEMO_WEBSOCKET_SCENARIO_H_
#define POOLSCOPE_EXAMPLES_DEMO_WEBSOCKET_SCENARIO_H_

#include <cstdio>

#include "absl/status/status.h"
#include "poolscope/examples/demo/demo_service.h"
#include "poolscope/examples/demo/options.h"
#include "poolscope/examples/demo/stop_signal.h"

namespace poolscope::demo {

// Until `options.duration` is over or a signal comes; then closes every
// connection and prints the summary to `out`. An error says what could not be
// started, or what was not as it must be at the end: a connection lost, a
// message wrong, a byte of the pool pinned. On the process's first thread: the
// load ends with it.
absl::Status RunWebSocket(const DemoOptions& options, DemoService& service,
                          StopSignal& stop, std::FILE* out);

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_WEBSOCKET_SCENARIO_H_
