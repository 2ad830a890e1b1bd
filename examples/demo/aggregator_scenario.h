// The scenario `aggregator`: large messages assembled from small parts, in
// bursts, in front of a slow store; until a signal, the end of the duration, or
// 200 refusals. docs/aggregator-scenario.md says what to look at.
#ifndef POOLSCOPE_EXAMPLES_DEMO_AGGREGATOR_SCENARIO_H_
#define POOLSCOPE_EXAMPLES_DEMO_AGGREGATOR_SCENARIO_H_

#include <cstdint>
#include <cstdio>

#include "absl/status/status.h"
#include "poolscope/examples/demo/demo_service.h"
#include "poolscope/examples/demo/options.h"
#include "poolscope/examples/demo/stop_signal.h"

namespace poolscope::demo {

// So many refusals end the run: enough to tell their kinds' shares.
inline constexpr uint64_t kMaxRefusals = 200;

// InternalError when what was sent and what became of it do not add up, or a
// buffer is missing.
absl::Status RunAggregator(const DemoOptions& options, DemoService& service,
                           StopSignal& stop, std::FILE* out);

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_AGGREGATOR_SCENARIO_H_
