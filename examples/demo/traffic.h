// Traffic: the relay with its upstream and its clients, started and ended in
// the right order. What the demo runs, and what its tests run without the
// server and the report.
//
//   auto traffic = Traffic::Start(options, allocator.get());
//   ...
//   TrafficResult result = (*traffic)->Finish(absl::Seconds(5));
//
// Thread safety: thread-compatible; the counters may be read from any thread.
#ifndef POOLSCOPE_EXAMPLES_DEMO_TRAFFIC_H_
#define POOLSCOPE_EXAMPLES_DEMO_TRAFFIC_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/allocator/outbound/channel_registry.h"
#include "poolscope/allocator/outbound/memory_governor.h"
#include "poolscope/examples/demo/load_generator.h"
#include "poolscope/examples/demo/message_counts.h"
#include "poolscope/examples/demo/options.h"
#include "poolscope/examples/demo/relay.h"
#include "poolscope/examples/demo/upstream.h"

namespace poolscope::demo {

class Traffic {
 public:
  // Every client is connected when this returns. All but the options is
  // borrowed; `channels` and `governor` may be null.
  static absl::StatusOr<std::unique_ptr<Traffic>> Start(
      const DemoOptions& options, BufferAllocator* allocator,
      ChannelRegistry* channels = nullptr, MemoryGovernor* governor = nullptr);

  ~Traffic();

  const MessageCounts& counts() const { return load_->counts(); }
  const LatencyHistogram& round_trips() const { return load_->round_trips(); }
  const RelayCounters& relay() const { return relay_->counters(); }

  // Ends the load, waits up to `drain` for the answers under way, and ends the
  // relay and the upstream: no buffer is held after that. To be called once.
  TrafficResult Finish(absl::Duration drain);

 private:
  Traffic() = default;

  std::unique_ptr<Upstream> upstream_;
  std::unique_ptr<Relay> relay_;
  std::unique_ptr<LoadGenerator> load_;
};

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_TRAFFIC_H_
