// RelayCounters: what the relay did, counted by its workers.
//
// Thread-safe. The counts are statistics only, hence relaxed.
#ifndef POOLSCOPE_EXAMPLES_DEMO_RELAY_COUNTERS_H_
#define POOLSCOPE_EXAMPLES_DEMO_RELAY_COUNTERS_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "poolscope/examples/demo/first_reason.h"

namespace poolscope::demo {

class RelayCounters {
 public:
  using Counter = std::atomic<uint64_t>;

  Counter requests{0};          // read from clients, whole
  Counter forwarded{0};         // handed to an upstream connection
  Counter answers{0};           // handed to a client connection
  Counter refused_requests{0};  // no memory for the payload
  Counter refused_answers{0};
  Counter lost_upstream{0};  // failed with their upstream connection
  Counter client_gone{0};    // answers whose client had closed
  Counter rejected{0};       // answers that were not admitted
  Counter max_in_flight{0};  // requests of one client, the most at a time
  Counter broken_connections{0};

  static void Add(Counter& counter) {
    counter.fetch_add(1, std::memory_order_relaxed);
  }

  static void RaiseTo(Counter& maximum, uint64_t value) {
    uint64_t seen = maximum.load(std::memory_order_relaxed);
    while (seen < value && !maximum.compare_exchange_weak(
                               seen, value, std::memory_order_relaxed)) {
    }
  }

  // Keeps the first refusal's and the first broken connection's reason.
  void NoteRefusal(const absl::Status& reason);
  void NoteBroken(const absl::Status& reason);
  // Empty when there was none.
  std::string first_refusal() const { return first_refusal_.text(); }
  std::string first_broken() const { return first_broken_.text(); }

 private:
  FirstReason first_refusal_;
  FirstReason first_broken_;
};

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_RELAY_COUNTERS_H_
