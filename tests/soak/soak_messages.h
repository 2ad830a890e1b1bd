// SoakMessages: the demo's relay with its clients at work, in rounds, on an
// allocator of its own that has too little memory for them.
//
//   clients --> relay --> upstream        a round: begin, stall, end
//      ^          |
//      +----------+  of each message they know what became of it
//
// In each round no client reads for a while. The rounds differ in the size of
// messages, and in what the relay does with answers that a client does not
// take: they wait, are rejected, or end the connection.
//
// Thread safety: thread-safe, but for Round(), which is one thread's, and
// CheckAtRest(), which needs that thread gone.
#ifndef POOLSCOPE_TESTS_SOAK_SOAK_MESSAGES_H_
#define POOLSCOPE_TESTS_SOAK_SOAK_MESSAGES_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/statusor.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/allocator/outbound/channel_registry.h"
#include "poolscope/examples/demo/message_counts.h"
#include "poolscope/examples/demo/traffic.h"
#include "poolscope/tests/soak/signals.h"
#include "poolscope/tests/soak/soak_allocator.h"

namespace poolscope::soak {

// Of all rounds. Each message is sent once and ends once.
struct MessageAccount {
  uint64_t sent = 0;
  uint64_t answered = 0;
  uint64_t refused = 0;    // for want of memory, or not admitted
  uint64_t cancelled = 0;  // with their connection
  uint64_t rounds = 0;     // that have ended
};

class SoakMessages {
 public:
  // `problems` must outlive it.
  static absl::StatusOr<std::unique_ptr<SoakMessages>> Create(
      Problems* problems);

  SoakAllocator* allocator() const { return allocator_.get(); }
  ChannelRegistry* channels() { return &channels_; }
  // Those of the round that runs included.
  MessageAccount Account() const;

  // A few seconds, fewer once `*stop` is set. Every message of it has ended
  // when this returns.
  void Round(StopFlag* stop);

  // Every message was accounted for, and nothing waits in a channel.
  void CheckAtRest();

 private:
  explicit SoakMessages(Problems* problems) : problems_(problems) {}

  void CheckRound(const demo::TrafficResult& result);
  void Problem(const std::string& text);

  Problems* const problems_;
  std::unique_ptr<SoakAllocator> allocator_;
  std::unique_ptr<BufferAllocator> buffers_;
  ChannelRegistry channels_;

  mutable std::mutex mutex_;
  MessageAccount ended_;                    // rounds that have ended
  std::unique_ptr<demo::Traffic> traffic_;  // of the round that runs
  uint64_t refused_by_relay_ = 0;           // for want of memory
};

}  // namespace poolscope::soak

#endif  // POOLSCOPE_TESTS_SOAK_SOAK_MESSAGES_H_
