// AggregatorCounters: what the aggregator did, summed over its workers.
//
// Thread-safe. Statistics only, hence relaxed.
#ifndef POOLSCOPE_EXAMPLES_DEMO_AGGREGATOR_COUNTERS_H_
#define POOLSCOPE_EXAMPLES_DEMO_AGGREGATOR_COUNTERS_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "poolscope/examples/demo/first_reason.h"
#include "poolscope/examples/demo/message_assembly.h"

namespace poolscope::demo {

class AggregatorCounters {
 public:
  using Counter = std::atomic<uint64_t>;

  Counter messages{0};        // begun
  Counter assembled{0};       // whole, and on their way to the store
  Counter refused_huge{0};    // ended by a refusal of a huge block
  Counter refused_chunk{0};   // or of a new chunk
  Counter given_up{0};        // ended because the governor said so
  Counter abandoned{0};       // ended because their client had gone
  Counter stored{0};          // answered by the store
  Counter lost{0};            // ended with the connection to the store
  Counter client_gone{0};     // answers whose client had gone
  Counter consolidations{0};  // done
  Counter postponed{0};       // not done, for want of room

  // Of messages under way: what they hold now. A gauge.
  std::atomic<int64_t> assembling_bytes{0};

  static void Add(Counter& counter, uint64_t count = 1) {
    counter.fetch_add(count, std::memory_order_relaxed);
  }

  // Counts it by its kind, and keeps the first one's reason.
  void CountRefusal(const Refusal& refusal);
  uint64_t refused() const { return refused_huge + refused_chunk; }

  // Keeps the first broken connection's reason.
  void NoteBroken(const absl::Status& reason);
  // Empty when there was none.
  std::string first_refusal() const { return first_refusal_.text(); }
  std::string first_broken() const { return first_broken_.text(); }

 private:
  FirstReason first_refusal_;
  FirstReason first_broken_;
};

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_AGGREGATOR_COUNTERS_H_
