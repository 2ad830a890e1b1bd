#include "poolscope/examples/demo/demo.h"

#include <memory>

#include "absl/status/statusor.h"
#include "poolscope/examples/demo/aggregator_scenario.h"
#include "poolscope/examples/demo/demo_service.h"
#include "poolscope/examples/demo/relay_scenario.h"
#include "poolscope/examples/demo/stop_signal.h"
#include "poolscope/examples/demo/websocket_scenario.h"

namespace poolscope::demo {

absl::Status RunDemo(const DemoOptions& options, std::FILE* out) {
  absl::StatusOr<StopSignal> stop = StopSignal::Create();
  if (!stop.ok()) return stop.status();
  absl::Status status = ReserveDescriptors(options);
  if (!status.ok()) return status;
  absl::StatusOr<std::unique_ptr<DemoService>> service =
      DemoService::Start(options);
  if (!service.ok()) return service.status();
  switch (options.scenario->service) {
    case Service::kRelay:
      return RunRelay(options, **service, *stop, out);
    case Service::kAggregator:
      return RunAggregator(options, **service, *stop, out);
    case Service::kWebSocket:
      return RunWebSocket(options, **service, *stop, out);
  }
  return absl::UnimplementedError("no such service");
}

}  // namespace poolscope::demo
