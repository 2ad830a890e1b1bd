#include "poolscope/examples/demo/traffic.h"

#include <utility>

namespace poolscope::demo {
namespace {

constexpr int kClientThreads = 2;

}  // namespace

absl::StatusOr<std::unique_ptr<Traffic>> Traffic::Start(
    const DemoOptions& options, BufferAllocator* allocator,
    ChannelRegistry* channels, MemoryGovernor* governor) {
  std::unique_ptr<Traffic> traffic(new Traffic);

  UpstreamOptions upstream_options;
  upstream_options.min_delay = options.scenario->min_delay;
  upstream_options.max_delay = options.scenario->max_delay;
  upstream_options.seed = options.seed;
  absl::StatusOr<std::unique_ptr<Upstream>> upstream =
      Upstream::Start(upstream_options);
  if (!upstream.ok()) return upstream.status();
  traffic->upstream_ = *std::move(upstream);

  RelayOptions relay_options;
  relay_options.workers = options.workers;
  relay_options.upstream_port = traffic->upstream_->port();
  relay_options.worker.allocator = allocator;
  relay_options.worker.channels = channels;
  relay_options.worker.governor = governor;
  relay_options.worker.forget_one_in = options.scenario->forget_one_in;
  relay_options.worker.watermarks = options.watermarks;
  relay_options.worker.policy = options.policy;
  relay_options.worker.socket_buffer_bytes = options.socket_buffer_bytes;
  absl::StatusOr<std::unique_ptr<Relay>> relay = Relay::Start(relay_options);
  if (!relay.ok()) return relay.status();
  traffic->relay_ = *std::move(relay);

  LoadOptions load_options;
  load_options.port = traffic->relay_->port();
  load_options.connections = options.connections;
  load_options.threads = kClientThreads;
  load_options.rate = options.rate;
  load_options.size_of = [bytes = static_cast<uint32_t>(options.message_bytes)](
                             uint64_t) { return bytes; };
  load_options.socket_buffer_bytes = options.socket_buffer_bytes;
  load_options.stall_after = options.stall_after;
  load_options.stall = options.stall;
  load_options.seed = options.seed;
  absl::StatusOr<std::unique_ptr<LoadGenerator>> load =
      LoadGenerator::Start(load_options);
  if (!load.ok()) return load.status();
  traffic->load_ = *std::move(load);
  return traffic;
}

Traffic::~Traffic() {
  // Clients first: a relay that ends before them would look like a failure.
  load_.reset();
  relay_.reset();
  upstream_.reset();
}

TrafficResult Traffic::Finish(absl::Duration drain) {
  TrafficResult result;
  result.unanswered = load_->Finish(drain);
  result.totals = load_->counts().Totals();
  relay_->Stop();
  upstream_->Stop();
  return result;
}

}  // namespace poolscope::demo
