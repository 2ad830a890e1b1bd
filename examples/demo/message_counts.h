// MessageCounts: what became of every message, as its client saw it.
//
// A message is sent once, and then answered, or failed for one reason, or still
// in flight: sent = answered + failed + in flight, in every snapshot.
//
// Thread-safe.
#ifndef POOLSCOPE_EXAMPLES_DEMO_MESSAGE_COUNTS_H_
#define POOLSCOPE_EXAMPLES_DEMO_MESSAGE_COUNTS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

namespace poolscope::demo {

enum class Failure {
  kRequestRefused,  // the relay had no memory for the request
  kAnswerRefused,   // the relay had no memory for the answer
  kUpstreamLost,    // the relay's connection to the upstream broke
  kCorrupt,         // a payload was not what was sent
  kConnectionLost,  // the client's connection broke
  kRejected,        // the relay did not admit the answer to its client's queue
  kHugeRefused,     // the aggregator had no memory for a block above a chunk
  kGivenUp,         // the aggregator dropped it, to let others complete
};
inline constexpr int kFailureCount = 8;
// "request refused", ...
const char* FailureName(Failure failure);

struct MessageTotals {
  uint64_t sent = 0;
  uint64_t answered = 0;
  std::array<uint64_t, kFailureCount> failed{};
  uint64_t in_flight = 0;  // sent - answered - failed

  uint64_t failed_total() const;
  uint64_t failed_by(Failure failure) const {
    return failed[static_cast<size_t>(failure)];
  }
};

// "3 failed (2 request refused, 1 corrupt)"; the reasons that there were.
std::string FailuresText(const MessageTotals& messages);

// How a load ended.
struct TrafficResult {
  MessageTotals totals;
  // Counted from the clients' own records of unanswered messages; equal to
  // totals.in_flight unless a message was lost without a trace.
  uint64_t unanswered = 0;
};

class MessageCounts {
 public:
  void CountSent() { sent_.fetch_add(1, std::memory_order_relaxed); }
  // Release, paired with the acquire in Totals(): whoever sees a message's end
  // also sees that it was sent, so that in flight is never negative.
  void CountAnswered() { answered_.fetch_add(1, std::memory_order_release); }
  void CountFailed(Failure failure) {
    failed_[static_cast<size_t>(failure)].fetch_add(1,
                                                    std::memory_order_release);
  }

  // Bytes of answers that came in, whatever became of them.
  void CountReceivedBytes(uint64_t bytes) {
    received_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  }
  uint64_t received_bytes() const {
    return received_bytes_.load(std::memory_order_relaxed);
  }

  MessageTotals Totals() const;

 private:
  std::atomic<uint64_t> sent_{0};
  std::atomic<uint64_t> answered_{0};
  std::array<std::atomic<uint64_t>, kFailureCount> failed_{};
  std::atomic<uint64_t> received_bytes_{0};  // statistics only
};

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_MESSAGE_COUNTS_H_
