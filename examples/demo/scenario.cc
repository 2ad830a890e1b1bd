#include "poolscope/examples/demo/scenario.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace poolscope::demo {

absl::Span<const Scenario> Scenarios() {
  static const std::vector<Scenario>* const kScenarios = [] {
    auto* const scenarios = new std::vector<Scenario>;
    Scenario steady;
    steady.name = "steady";
    steady.description =
        "messages of 14 KiB, 200 a second, answered after 50 to 100 ms";
    scenarios->push_back(steady);

    Scenario leak;
    leak.name = "leak";
    leak.description =
        "as steady, but ForgetMessage keeps a copy of one message in a hundred "
        "for ever";
    leak.forget_one_in = 100;
    leak.leak_detection = LeakLevel::kParanoid;
    leak.suspect_after = absl::Seconds(10);
    scenarios->push_back(leak);

    Scenario slow_peer;
    slow_peer.name = "slow-peer";
    slow_peer.description =
        "2000 messages a second, and from the 10th second on no client reads "
        "its answers for 20 s; --watermarks=off shows what that does to a "
        "relay that takes no notice";
    slow_peer.rate = 2000;
    slow_peer.max_direct_memory_bytes = 256 << 20;
    slow_peer.socket_buffer_bytes = 64 << 10;
    slow_peer.stall = absl::Seconds(20);
    scenarios->push_back(slow_peer);

    Scenario aggregator;
    aggregator.name = "aggregator";
    aggregator.description =
        "messages of 1 KiB (often) to 100 MiB (rare), in bursts, collected in "
        "parts of 8 KiB for a slow store; --governor=off shows how the limit "
        "refuses memory then, and ends after 200 refusals";
    aggregator.service = Service::kAggregator;
    aggregator.message_bytes = 100 << 20;  // at most
    aggregator.max_direct_memory_bytes = 256 << 20;
    aggregator.max_order = 11;  // 16 MiB
    aggregator.governor = true;
    scenarios->push_back(aggregator);

    Scenario websocket;
    websocket.name = "websocket";
    websocket.description =
        "a WebSocket server and 1000 connections that stay open, 200 new ones "
        "a second; the message on connect makes zlib's state, 256 KiB each, "
        "which no figure of the pool shows; --connect_message=0 leaves it out";
    websocket.service = Service::kWebSocket;
    websocket.connections = 1000;
    websocket.workers = 16;
    scenarios->push_back(websocket);
    return scenarios;
  }();
  return *kScenarios;
}

absl::StatusOr<const Scenario*> FindScenario(absl::string_view name) {
  for (const Scenario& scenario : Scenarios()) {
    if (scenario.name == name) return &scenario;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "--scenario is '", absl::CHexEscape(name), "': give one of ",
      absl::StrJoin(Scenarios(), ", ",
                    [](std::string* out, const Scenario& scenario) {
                      absl::StrAppend(out, scenario.name);
                    })));
}

}  // namespace poolscope::demo
