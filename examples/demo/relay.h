// Relay: the demo's service. Clients connect to its port on 127.0.0.1; every
// payload lives in a buffer from the read to the write.
//
//   RelayOptions options;
//   options.upstream_port = upstream.port();
//   options.worker.allocator = allocator.get();
//   auto relay = Relay::Start(options);
//   ... connect to (*relay)->port() ...
//   (*relay)->Stop();     // now no buffer is held any more
//
// Thread safety: thread-compatible; counters() may be read from any thread.
#ifndef POOLSCOPE_EXAMPLES_DEMO_RELAY_H_
#define POOLSCOPE_EXAMPLES_DEMO_RELAY_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "poolscope/examples/demo/relay_counters.h"
#include "poolscope/examples/demo/relay_worker.h"

namespace poolscope::demo {

struct RelayOptions {
  int workers = 4;
  uint16_t upstream_port = 0;  // on 127.0.0.1
  RelayWorkerOptions worker;
};

class Relay {
 public:
  // Connects to the upstream once for each worker.
  static absl::StatusOr<std::unique_ptr<Relay>> Start(
      const RelayOptions& options);

  ~Relay() { Stop(); }

  uint16_t port() const { return port_; }
  const RelayCounters& counters() const { return counters_; }

  // Closes every connection, ends the workers and frees every buffer. May be
  // called twice.
  void Stop();

 private:
  Relay() = default;

  RelayCounters counters_;
  uint16_t port_ = 0;
  std::vector<std::unique_ptr<RelayWorker>> workers_;
};

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_RELAY_H_
