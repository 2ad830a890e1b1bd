// DemoOptions: everything the demo can be told, validated. From the command
// line: flags.h.
#ifndef POOLSCOPE_EXAMPLES_DEMO_OPTIONS_H_
#define POOLSCOPE_EXAMPLES_DEMO_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "poolscope/allocator/leak/leak_level.h"
#include "poolscope/allocator/outbound/admission_policy.h"
#include "poolscope/allocator/outbound/writability.h"
#include "poolscope/allocator/pool/pool_options.h"
#include "poolscope/examples/demo/scenario.h"
#include "poolscope/exporter/sidecar_options.h"

namespace poolscope::demo {

struct DemoOptions {
  const Scenario* scenario = nullptr;  // of Scenarios()
  SidecarOptions sidecar;
  absl::Duration duration = absl::ZeroDuration();  // zero: until a signal
  double rate = 200;                               // messages a second
  uint64_t message_bytes = 14336;
  int connections = 64;
  int workers = 4;
  uint64_t max_direct_memory_bytes = 0;  // zero: the pool's default
  std::optional<int> arenas;             // unset: the pool's default
  ChunkLayout layout = ChunkLayout::kRuns;
  uint64_t seed = 1;
  std::optional<LeakLevel> leak_detection;  // unset: as the environment says
  absl::Duration suspect_after = absl::Seconds(30);

  uint64_t budget_bytes = 256 << 20;  // of the pool, which the summary judges
  Watermarks watermarks;              // of every channel
  AdmissionPolicy policy = AdmissionPolicy::kQueue;
  absl::Duration stall;  // of the clients, after a while without one
  absl::Duration stall_after = absl::Seconds(10);
  uint64_t socket_buffer_bytes = 0;  // zero: the kernel's default
  bool governor = false;
  // How long an empty chunk waits to be unmapped; unset: the pool's default,
  // infinite: for ever.
  std::optional<absl::Duration> chunk_decay;
  absl::Duration connect_delay = absl::Milliseconds(5);
  uint64_t connect_message_bytes = 1024;  // zero: none
};

// InvalidArgumentError names the flag, its value and what to give instead. The
// sidecar's options are left to it.
absl::Status ValidateDemoOptions(const DemoOptions& options);

// The error for a --duration that is negative, or too short to be told from 0.
absl::Status BadDuration(absl::string_view duration);

// Sees to it that the process may open the descriptors that `options` need,
// raising the soft limit where the hard one allows; else
// ResourceExhaustedError.
absl::Status ReserveDescriptors(const DemoOptions& options);

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_OPTIONS_H_
