// TurnQueue: what a turn of an event loop has to do later in the turn or in the
// next ones, each thing once.
//
// Two uses: flushes, consolidated to one a channel and turn; and channels whose
// reading resumes, a few a turn, so that a thousand of them that become
// writable together do not all read at once.
//
//   TurnQueue flushes, resumes;
//   flushes.Push(token);                         // any number of times
//   ...
//   flushes.Run(TurnQueue::kAll, [&](uint64_t token) { Flush(token); });
//   const bool more = resumes.Run(32, [&](uint64_t token) { Resume(token); });
//
// Order is kept. What is pushed while it runs waits for the next Run() when
// that has a bound, and is run by this one when it has none. A token that was
// removed and is pushed again goes to the end. Tokens may have lost their
// meaning by the time they run: who runs them looks them up.
//
// Thread-compatible. `run` may call every method.
#ifndef POOLSCOPE_ALLOCATOR_OUTBOUND_TURN_QUEUE_H_
#define POOLSCOPE_ALLOCATOR_OUTBOUND_TURN_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"

namespace poolscope {

class TurnQueue {
 public:
  static constexpr size_t kAll = std::numeric_limits<size_t>::max();

  // Nothing when it is in the queue already.
  void Push(uint64_t token);
  // Forgets a token.
  void Remove(uint64_t token);

  // Runs the first `max` tokens; true when others are left.
  bool Run(size_t max, absl::FunctionRef<void(uint64_t token)> run);

  bool empty() const { return tickets_.empty(); }

 private:
  struct Entry {
    uint64_t token;
    uint64_t ticket;  // grows with each push
  };

  // Drops removed entries once they are the most.
  void Compact();

  std::deque<Entry> entries_;  // those removed included
  // By token: the ticket of its entry. Any other entry of it was removed.
  absl::flat_hash_map<uint64_t, uint64_t> tickets_;
  uint64_t next_ticket_ = 0;
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_OUTBOUND_TURN_QUEUE_H_
