// Scenario: one kind of traffic that the demo can make. One table holds them
// all, with the rate and size each has unless a flag says otherwise.
#ifndef POOLSCOPE_EXAMPLES_DEMO_SCENARIO_H_
#define POOLSCOPE_EXAMPLES_DEMO_SCENARIO_H_

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "poolscope/allocator/leak/leak_level.h"

namespace poolscope::demo {

// The service that a scenario runs.
enum class Service {
  kRelay,       // messages to an upstream and back (relay.h)
  kAggregator,  // large messages from small parts (aggregator_scenario.h)
  kWebSocket,   // many connections (websocket_scenario.h)
};

struct Scenario {
  absl::string_view name;
  absl::string_view description;  // one line
  Service service = Service::kRelay;

  double rate = 200;               // messages a second
  uint64_t message_bytes = 14336;  // payload of each
  int connections = 64;
  int workers = 4;
  uint64_t max_direct_memory_bytes = 0;  // zero: the pool's default
  int max_order = 9;                     // chunks of 8 KiB << max_order
  uint64_t socket_buffer_bytes = 0;      // zero: the kernel's default

  // Of the relay. Bounds of the upstream's delay.
  absl::Duration min_delay = absl::Milliseconds(50);
  absl::Duration max_delay = absl::Milliseconds(100);
  // How long no client reads, after the first ten seconds.
  absl::Duration stall;

  // ForgetMessage() gets one message in so many; 0: none.
  uint64_t forget_one_in = 0;
  // Unset: as POOLSCOPE_LEAK_DETECTION says, else simple.
  std::optional<LeakLevel> leak_detection;
  absl::Duration suspect_after = absl::Seconds(30);

  bool governor = false;
};

// In the order in which --help lists them. The first is the default.
absl::Span<const Scenario> Scenarios();

// InvalidArgumentError names the known ones.
absl::StatusOr<const Scenario*> FindScenario(absl::string_view name);

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_SCENARIO_H_
