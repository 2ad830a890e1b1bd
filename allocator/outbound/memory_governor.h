// MemoryGovernor: keeps the memory of all channels together below the limit, by
// pausing those that hold most of it.
//
//   used / limit
//   1.0 |------------------------------------ the pool refuses
//   0.8 |- - - - - - - - - - - - - - - - - -  above: pause, the worst first
//       |   (paused ones stay so)
//   0.7 |- - - - - - - - - - - - - - - - - -  below: resume, the least first
//   0.0 |
//
//   MemoryGovernor governor({}, [&] { return MemoryUse{used, limit}; });
//   auto member = governor.Join([&loop] { loop.Wake(); });
//   member->SetHeld(bytes);              // what this channel holds
//   member->SetRemaining(bytes);         // what its message lacks, if it has
//                                        // one under way
//   if (member->paused()) ...            // do not read
//   governor.Check();                    // about ten times a second, anywhere
//
// It cannot deadlock. Where half-assembled messages hold the memory, all paused
// would wait for each other for ever; so of those the one that is nearest
// completion is never paused. Where even that does not help, because nothing
// has completed for `stall_timeout` while the use stays above the upper mark,
// the member that holds most is told to reject its message.
//
// Reading an answer costs a member one load. Decide() is pure, and is what
// tests look at.
//
// Thread safety: thread-safe. A Member's setters belong to its owner's thread;
// `notify` is called on the thread that calls Check(), with no lock held, after
// paused() or reject_wanted() of the member has changed; a member that is
// leaving waits for one under way. It must outlive its members.
#ifndef POOLSCOPE_ALLOCATOR_OUTBOUND_MEMORY_GOVERNOR_H_
#define POOLSCOPE_ALLOCATOR_OUTBOUND_MEMORY_GOVERNOR_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "poolscope/allocator/base/clock.h"

namespace poolscope {

struct MemoryGovernorOptions {
  double pause_above = 0.8;   // of the limit; at most 1
  double resume_below = 0.7;  // above 0, at most pause_above
  // How long nothing may complete above the upper mark.
  absl::Duration stall_timeout = absl::Seconds(5);
  const Clock* clock = Clock::Real();
};

// What cannot be had again without a channel's help: in use, not idle.
struct MemoryUse {
  uint64_t used_bytes = 0;
  uint64_t limit_bytes = 0;
};

struct MemoryGovernorStats {
  uint64_t members = 0;
  uint64_t paused_members = 0;
  uint64_t pauses = 0;      // counter
  uint64_t resumes = 0;     // counter
  uint64_t rejections = 0;  // counter: messages told to be rejected
};

class MemoryGovernor {
 public:
  class Member;

  // InvalidArgumentError names the bad option.
  static absl::Status Validate(const MemoryGovernorOptions& options);

  // `use` is asked by Check(). Fatal for options that Validate() refuses.
  MemoryGovernor(MemoryGovernorOptions options, std::function<MemoryUse()> use);
  ~MemoryGovernor();

  std::unique_ptr<Member> Join(std::function<void()> notify);

  void Check();
  MemoryGovernorStats Stats() const;

 private:
  struct Parts;
  const std::shared_ptr<Parts> parts_;
};

class MemoryGovernor::Member {
 public:
  ~Member();

  void SetHeld(uint64_t bytes);
  // Of a message that is being assembled; its length unknown: what is known.
  void SetRemaining(uint64_t bytes);
  // It is whole, or given up: progress.
  void SetNoMessage();

  bool paused() const;
  // True once, after which the owner drops its message.
  bool TakeReject();

 private:
  friend class MemoryGovernor;
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_OUTBOUND_MEMORY_GOVERNOR_H_
