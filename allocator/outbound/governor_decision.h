// GovernorDecision: whom one check of a MemoryGovernor pauses, resumes, lets
// through and tells to reject. Pure: values in, values out.
//
//   use             what is decided
//   -------------   ---------------------------------------------------------
//   above high      pause the members that hold most, as many as together hold
//                   the excess over `low`; let a message through; reject one
//                   when nothing has completed for stall_timeout
//   low to high     let a message through; nothing else changes
//   below low       resume the members that hold least, a batch at a time
//
// (high = pause_above * limit, low = resume_below * limit; at a mark is
// between them.)
//
// Pausing converges. What paused members hold counts towards the excess only
// while the use falls. A check that finds it above high and no lower than the
// check before takes them for stuck, and pauses the next worst for the whole
// excess. So each check above high finds the use lower, or pauses another
// member, or nobody is left who holds memory and is not paused, but for those
// who are let through.
//
// Resuming is bounded: 16 members a check, or an eighth of those paused if that
// is more, so that not all burst at once and 100,000 go on within 60 checks.
//
// Letting through. A message under way that is paused cannot complete, and what
// it holds stays held: a state in which all such messages are paused would
// last for ever. So while any of them is held up, one is let through: the one
// that lacks least of all those that hold memory (the lowest id among equals).
// It is not paused until it has ended, however the others change, so nothing
// thrashes; one at a time, as long as each ends within stall_timeout.
//
// It cannot deadlock. Let the use stay at or above low, with messages paused.
//   1. One that is let through is not paused again. It ends when its peer has
//      sent the rest or is gone; or, where the pool refuses what it needs, its
//      owner gives it up. Then the next is let through.
//   2. One whose peer is silent ends by neither. After stall_timeout the next
//      is let through beside it. So every paused message is let through, the
//      k-th in line after at most k timeouts. Smaller ones that come later
//      overtake it only until it has waited for stall_timeout: then those
//      paused for longest come first.
//   3. When owners wait for memory instead of giving up, and all of it is held
//      by messages that wait: then nothing completes above high, and after each
//      stall_timeout another message is told to reject, the largest first. Not
//      above high they must give up: what the pool refuses there is too large
//      for the places that are left, and nobody is told to make room.
//
// Not solved by pausing, as it has no message to complete or reject: what a
// channel holds for a peer that never reads, when that alone is above low. Its
// owner ends it by a write timeout. Members without a message that are paused
// meanwhile stay so until the use is below low.
#ifndef POOLSCOPE_ALLOCATOR_OUTBOUND_GOVERNOR_DECISION_H_
#define POOLSCOPE_ALLOCATOR_OUTBOUND_GOVERNOR_DECISION_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "poolscope/allocator/outbound/memory_governor_options.h"
#include "poolscope/allocator/outbound/memory_use.h"

namespace poolscope {

struct GovernorMember {
  uint64_t id = 0;
  uint64_t held_bytes = 0;
  // What its message lacks; none is under way where this is not set.
  std::optional<uint64_t> remaining_bytes;
  uint64_t message = 0;  // which of its messages; not looked at here

  // What was decided before. The latter two of the message that is under way.
  bool paused = false;
  bool let_through = false;
  bool told_to_reject = false;
  int64_t since_nanos = 0;  // since when it has been paused, or let through
};

// What one decision leaves to the next.
struct GovernorHistory {
  uint64_t used_bytes = 0;
  // Since when the use has been above high and nothing has completed.
  std::optional<int64_t> stalled_since_nanos;
};

struct GovernorView {
  MemoryUse use;
  absl::Span<const GovernorMember> members;
  // Whether a message has ended since the last decision.
  bool completed = false;
  int64_t now_nanos = 0;
  GovernorHistory history;
};

// Members by their position in the view.
struct GovernorDecision {
  std::vector<size_t> pause;
  std::vector<size_t> resume;
  std::optional<size_t> let_through;  // resumes it as well where it is paused
  std::optional<size_t> reject;
  GovernorHistory history;
};

GovernorDecision DecideOnMemory(const MemoryGovernorOptions& options,
                                const GovernorView& view);

// Whether members are looked at although none of them is paused.
bool IsAbovePauseMark(const MemoryGovernorOptions& options,
                      const MemoryUse& use);

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_OUTBOUND_GOVERNOR_DECISION_H_
