// The scenarios of the relay: steady, leak, slow-peer. Clients, relay and
// upstream in one process, a line a second, a summary.
#ifndef POOLSCOPE_EXAMPLES_DEMO_RELAY_SCENARIO_H_
#define POOLSCOPE_EXAMPLES_DEMO_RELAY_SCENARIO_H_

#include <cstdio>

#include "absl/status/status.h"
#include "poolscope/examples/demo/demo_service.h"
#include "poolscope/examples/demo/options.h"
#include "poolscope/examples/demo/stop_signal.h"

namespace poolscope::demo {

// Runs until options.duration is over or `stop` has come. InternalError when
// what was sent and what became of it do not add up, or a buffer is missing.
absl::Status RunRelay(const DemoOptions& options, DemoService& service,
                      StopSignal& stop, std::FILE* out);

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_RELAY_SCENARIO_H_
