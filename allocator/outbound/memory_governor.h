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
//   MemoryGovernor governor({}, [&] { return MemoryUseOf(pool->Stats()); });
//   auto member = governor.Join([&loop] { loop.Wake(); });
//   member->SetHeld(bytes);              // what this channel holds
//   member->SetRemaining(bytes);         // what its message lacks, if it has
//                                        // one under way
//   if (member->paused()) ...            // do not read
//   if (member->TakeReject()) ...        // drop the message, SetNoMessage()
//   governor.Check();                    // about ten times a second, anywhere
//
// It cannot deadlock. Where half-assembled messages hold the memory, all paused
// would wait for each other for ever; so of those the one that is nearest
// completion is let through and not paused until it has ended, then the next.
// Where even that does not help, because nothing has completed for
// `stall_timeout` while the use stays above the upper mark, the member whose
// message holds most is told to reject it. governor_decision.h has the rules
// and why they suffice. One thing is asked of the owners: a message that the
// pool refuses memory, though the use is not above the upper mark, is given up;
// nobody will tell its owner to.
//
// Reading an answer costs a member one load. A check is a few loads for each
// member, and none while nobody is paused and the use is below the upper mark.
//
// Thread safety: thread-safe. A Member's setters, and its end, belong to its
// owner's thread. `notify` is called on the thread that calls Check(), with no
// lock held, after paused() or what TakeReject() says has changed, one at a
// time. It may call everything here; a Check() in it does nothing, as one
// beside another does. A member that ends waits for its notify when that is
// under way on another thread, so what notify waits for must not wait for the
// member's end; one that notify itself ends does not wait. Afterwards notify is
// not called any more.
//
// Ownership: it must outlive its members; fatal if it does not.
#ifndef POOLSCOPE_ALLOCATOR_OUTBOUND_MEMORY_GOVERNOR_H_
#define POOLSCOPE_ALLOCATOR_OUTBOUND_MEMORY_GOVERNOR_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>

#include "absl/status/status.h"
#include "poolscope/allocator/outbound/memory_governor_options.h"
#include "poolscope/allocator/outbound/memory_governor_stats.h"
#include "poolscope/allocator/outbound/memory_use.h"

namespace poolscope {

class MemoryGovernor {
 public:
  class Member;

  // InvalidArgumentError names the bad option.
  static absl::Status Validate(const MemoryGovernorOptions& options);

  // `use` is asked by Check(), with no lock held. Fatal for options that
  // Validate() refuses.
  MemoryGovernor(MemoryGovernorOptions options, std::function<MemoryUse()> use);
  ~MemoryGovernor();
  MemoryGovernor(const MemoryGovernor&) = delete;
  MemoryGovernor& operator=(const MemoryGovernor&) = delete;

  std::unique_ptr<Member> Join(std::function<void()> notify);

  void Check();
  MemoryGovernorStats Stats() const;

 private:
  struct Parts;
  const std::unique_ptr<Parts> parts_;
};

class MemoryGovernor::Member {
 public:
  ~Member();
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  void SetHeld(uint64_t bytes) {
    // Relaxed: a figure on its own. A check that reads an old one decides as
    // it would have a moment before, and the next one anew.
    held_bytes_.store(bytes, std::memory_order_relaxed);
  }
  // Of a message that is being assembled; its length unknown: what is known.
  void SetRemaining(uint64_t bytes);
  // It is whole, or given up: progress.
  void SetNoMessage();

  bool paused() const {
    // Relaxed: it says when not to read and orders no other memory. Who is
    // woken by notify sees what it was told, by whatever wakes it.
    return paused_.load(std::memory_order_relaxed);
  }
  // True once, after which the owner drops its message. Never of another
  // message than the one that was meant.
  bool TakeReject();

 private:
  friend class MemoryGovernor;

  static constexpr uint64_t kNoMessage = std::numeric_limits<uint64_t>::max();
  static constexpr size_t kNowhere = std::numeric_limits<size_t>::max();

  Member(Parts* parts, std::function<void()> notify);

  // The one under way is the message after those that have ended.
  uint64_t CurrentMessage() const {
    return ended_messages_.load(std::memory_order_relaxed) + 1;
  }

  Parts* const parts_;

  // Written by the owner.
  std::atomic<uint64_t> held_bytes_{0};
  std::atomic<uint64_t> remaining_bytes_{kNoMessage};
  // Released when remaining_bytes_ says that there is no message, and acquired
  // before that is read: what is taken for the remainder of a message is never
  // that of one before.
  std::atomic<uint64_t> ended_messages_{0};

  // Written by Check(), read by the owner; see paused() and TakeReject().
  std::atomic<bool> paused_{false};
  std::atomic<uint64_t> reject_message_{0};  // 0: none

  // Under the lock of Parts.
  std::function<void()> notify_;
  uint64_t id_ = 0;
  size_t position_ = 0;                // in Parts::members
  size_t notify_position_ = kNowhere;  // in Parts::to_notify
  uint64_t let_through_message_ = 0;
  uint64_t told_message_ = 0;
  int64_t since_nanos_ = 0;  // since when it is paused, or let through
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_OUTBOUND_MEMORY_GOVERNOR_H_
