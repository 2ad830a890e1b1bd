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
// that has a bound, and is run by this one when it has none. Tokens may have
// lost their meaning by then: who runs them looks them up.
//
// Thread-compatible.
#ifndef POOLSCOPE_ALLOCATOR_OUTBOUND_TURN_QUEUE_H_
#define POOLSCOPE_ALLOCATOR_OUTBOUND_TURN_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>

#include "absl/container/flat_hash_set.h"
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

  bool empty() const { return waiting_.empty(); }

 private:
  std::deque<uint64_t> tokens_;  // those removed included
  absl::flat_hash_set<uint64_t> waiting_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_OUTBOUND_TURN_QUEUE_H_
