// LoadGenerator: the demo's clients. Sends requests over many connections at a
// fixed total rate, and checks every answer.
//
// Open-loop: a message is sent when its time has come, whether or not earlier
// ones were answered, and its round trip counts from that time; a slow service
// shows as latency and messages in flight, not as a lower rate. A connection
// that breaks is made again for the next message on it.
//
//   auto load = LoadGenerator::Start(options);
//   ...
//   (*load)->Finish(absl::Seconds(5));   // no more requests; wait for answers
//
// Few threads, each with an event loop and its share of connections and rate.
// Thread safety: thread-compatible; counts() and round_trips() may be read from
// any thread.
#ifndef POOLSCOPE_EXAMPLES_DEMO_LOAD_GENERATOR_H_
#define POOLSCOPE_EXAMPLES_DEMO_LOAD_GENERATOR_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "poolscope/examples/demo/burst_schedule.h"
#include "poolscope/examples/demo/latency_histogram.h"
#include "poolscope/examples/demo/message_counts.h"

namespace poolscope::demo {

struct LoadOptions {
  uint16_t port = 0;  // the relay's, on 127.0.0.1
  int connections = 64;
  int threads = 2;    // at most one a connection
  double rate = 200;  // messages a second, over all connections
  // The payload of the message with this seed.
  std::function<uint32_t(uint64_t seed)> size_of = [](uint64_t) {
    return uint32_t{14336};
  };
  // An answer's payload is as long as its request's, or empty.
  bool empty_answers = false;
  BurstSchedule bursts;              // of messages; with none they come evenly
  uint64_t socket_buffer_bytes = 0;  // 0: the kernel's default
  // No client reads for so long, `stall_after` the start; Finish() ends it.
  absl::Duration stall_after = absl::Seconds(10);
  absl::Duration stall;
  uint64_t seed = 1;
};

class LoadGenerator {
 public:
  // Connects every connection, then begins to send.
  static absl::StatusOr<std::unique_ptr<LoadGenerator>> Start(
      const LoadOptions& options);

  ~LoadGenerator();

  const MessageCounts& counts() const { return counts_; }
  const LatencyHistogram& round_trips() const { return round_trips_; }

  // Sends no more, waits until every message has ended or `timeout` is over,
  // closes the connections, and returns how many messages were still in
  // flight then. To be called once.
  uint64_t Finish(absl::Duration timeout);

 private:
  class Client;
  class Worker;

  LoadGenerator();

  MessageCounts counts_;
  LatencyHistogram round_trips_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_LOAD_GENERATOR_H_
