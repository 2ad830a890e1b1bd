// RunDemo: the demo from its options to its summary.
//
//   DemoService (pool, channels) --> the scenario's service and its load
//        \----> sidecar (HTTP) <-- Prometheus, a person
//
// The calling thread waits for the end and prints a line a second.
#ifndef POOLSCOPE_EXAMPLES_DEMO_DEMO_H_
#define POOLSCOPE_EXAMPLES_DEMO_DEMO_H_

#include <cstdio>

#include "absl/status/status.h"
#include "poolscope/examples/demo/options.h"

namespace poolscope::demo {

// Runs until `options.duration` is over, or SIGINT or SIGTERM comes, then ends
// in order and prints the summary to `out`. To be called once, before any
// other thread is started. An error says what could not be started, or that
// the run's figures do not add up.
absl::Status RunDemo(const DemoOptions& options, std::FILE* out);

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_DEMO_H_
