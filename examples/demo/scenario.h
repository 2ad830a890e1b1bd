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

struct Scenario {
  absl::string_view name;
  absl::string_view description;  // one line

  double rate = 0;             // messages a second
  uint64_t message_bytes = 0;  // payload of each
  // Bounds of the upstream's delay.
  absl::Duration min_delay;
  absl::Duration max_delay;

  // ForgetMessage() gets one message in so many; 0: none.
  uint64_t forget_one_in = 0;
  // Unset: as POOLSCOPE_LEAK_DETECTION says, else simple.
  std::optional<LeakLevel> leak_detection;
  absl::Duration suspect_after = absl::Seconds(30);
};

// In the order in which --help lists them. The first is the default.
absl::Span<const Scenario> Scenarios();

// InvalidArgumentError names the known ones.
absl::StatusOr<const Scenario*> FindScenario(absl::string_view name);

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_SCENARIO_H_
