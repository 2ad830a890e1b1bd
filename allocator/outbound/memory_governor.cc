#include "poolscope/allocator/outbound/memory_governor.h"

#include <algorithm>
#include <condition_variable>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "poolscope/allocator/base/clock.h"
#include "poolscope/allocator/base/fatal.h"
#include "poolscope/allocator/base/lock_order.h"
#include "poolscope/allocator/base/mutex.h"
#include "poolscope/allocator/outbound/governor_decision.h"

namespace poolscope {

struct MemoryGovernor::Parts {
  Parts(MemoryGovernorOptions governor_options,
        std::function<MemoryUse()> governor_use)
      : options(governor_options), use(std::move(governor_use)) {}

  void Join(Member* member);
  void Leave(Member* member);

  // The parts of a check.
  bool Begin();
  void Decide(const MemoryUse& now);
  void Notify();
  void End();

  void FillView() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void Apply(const GovernorDecision& decision, int64_t now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void SetPaused(Member* member, bool paused, int64_t now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void PushNotify(Member* member) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

  const MemoryGovernorOptions options;
  const std::function<MemoryUse()> use;

  mutable Mutex mutex{LockRank::kGovernor};
  std::condition_variable_any notified;
  std::vector<Member*> members ABSL_GUARDED_BY(mutex);
  uint64_t last_id ABSL_GUARDED_BY(mutex) = 0;
  // Messages of members that have left.
  uint64_t left_messages ABSL_GUARDED_BY(mutex) = 0;
  MemoryGovernorStats stats ABSL_GUARDED_BY(mutex);

  bool checking ABSL_GUARDED_BY(mutex) = false;
  GovernorHistory history ABSL_GUARDED_BY(mutex);
  uint64_t ended_messages ABSL_GUARDED_BY(mutex) = 0;  // at the last view
  std::vector<GovernorMember> view ABSL_GUARDED_BY(mutex);
  // Null where a member has left meanwhile.
  std::vector<Member*> to_notify ABSL_GUARDED_BY(mutex);
  // Whose notify runs now, and on which thread.
  Member* notifying ABSL_GUARDED_BY(mutex) = nullptr;
  std::thread::id notifier ABSL_GUARDED_BY(mutex);
};

// ---------------------------------------------------------- joining, leaving

void MemoryGovernor::Parts::Join(Member* member) {
  MutexLock lock(&mutex);
  member->id_ = ++last_id;
  member->position_ = members.size();
  members.push_back(member);
}

void MemoryGovernor::Parts::Leave(Member* member) {
  MutexLock lock(&mutex);
  BasicLock waited(&mutex);
  // Not for its own: when notify ends the member, it runs below this call.
  while (notifying == member && notifier != std::this_thread::get_id()) {
    notified.wait(waited);
  }
  if (notifying == member) notifying = nullptr;
  if (member->notify_position_ != Member::kNowhere) {
    to_notify[member->notify_position_] = nullptr;
  }
  members.back()->position_ = member->position_;
  members[member->position_] = members.back();
  members.pop_back();
  // With its last message, if one is under way: what that held is given back.
  left_messages += member->ended_messages_.load(std::memory_order_relaxed);
  if (member->remaining_bytes_.load(std::memory_order_relaxed) !=
      Member::kNoMessage) {
    ++left_messages;
  }
  if (member->paused()) --stats.paused_members;
}

// ------------------------------------------------------------------ a check

bool MemoryGovernor::Parts::Begin() {
  MutexLock lock(&mutex);
  return !std::exchange(checking, true);
}

void MemoryGovernor::Parts::End() {
  MutexLock lock(&mutex);
  checking = false;
}

void MemoryGovernor::Parts::Decide(const MemoryUse& now) {
  MutexLock lock(&mutex);
  GovernorView seen;
  seen.use = now;
  seen.now_nanos = options.clock->NowNanos();
  seen.history = history;
  const uint64_t ended_before = ended_messages;
  if (stats.paused_members > 0 || IsAbovePauseMark(options, now)) FillView();
  seen.completed = ended_messages != ended_before;
  seen.members = view;
  const GovernorDecision decision = DecideOnMemory(options, seen);
  history = decision.history;
  Apply(decision, seen.now_nanos);
  view.clear();
}

void MemoryGovernor::Parts::FillView() {
  ended_messages = left_messages;
  for (const Member* member : members) {
    GovernorMember out;
    // Before the remainder; see ended_messages_.
    const uint64_t ended =
        member->ended_messages_.load(std::memory_order_acquire);
    const uint64_t remaining =
        member->remaining_bytes_.load(std::memory_order_relaxed);
    ended_messages += ended;
    out.id = member->id_;
    out.held_bytes = member->held_bytes_.load(std::memory_order_relaxed);
    if (remaining != Member::kNoMessage) {
      out.message = ended + 1;
      out.remaining_bytes = remaining;
      out.let_through = member->let_through_message_ == out.message;
      out.told_to_reject = member->told_message_ == out.message;
    }
    out.paused = member->paused();
    out.since_nanos = member->since_nanos_;
    view.push_back(out);
  }
}

void MemoryGovernor::Parts::Apply(const GovernorDecision& decision,
                                  int64_t now) {
  for (size_t i : decision.pause) SetPaused(members[i], true, now);
  for (size_t i : decision.resume) SetPaused(members[i], false, now);
  if (decision.let_through.has_value()) {
    Member* member = members[*decision.let_through];
    if (member->paused()) SetPaused(member, false, now);
    member->let_through_message_ = view[*decision.let_through].message;
    member->since_nanos_ = now;
  }
  if (decision.reject.has_value()) {
    Member* member = members[*decision.reject];
    member->told_message_ = view[*decision.reject].message;
    // Relaxed: the number of a message, compared with the owner's own.
    member->reject_message_.store(member->told_message_,
                                  std::memory_order_relaxed);
    ++stats.rejections;
    PushNotify(member);
  }
}

void MemoryGovernor::Parts::SetPaused(Member* member, bool paused,
                                      int64_t now) {
  // Relaxed: see Member::paused().
  member->paused_.store(paused, std::memory_order_relaxed);
  member->since_nanos_ = now;
  ++(paused ? stats.pauses : stats.resumes);
  stats.paused_members += paused ? 1 : -1;
  PushNotify(member);
}

void MemoryGovernor::Parts::PushNotify(Member* member) {
  if (member->notify_position_ != Member::kNowhere) return;
  member->notify_position_ = to_notify.size();
  to_notify.push_back(member);
}

void MemoryGovernor::Parts::Notify() {
  for (size_t i = 0;; ++i) {
    std::function<void()> notify;
    {
      MutexLock lock(&mutex);
      if (i == to_notify.size()) {
        to_notify.clear();
        return;
      }
      Member* member = to_notify[i];
      if (member == nullptr) continue;
      member->notify_position_ = Member::kNowhere;
      if (member->notify_ == nullptr) continue;
      // Out of the member, which it may end.
      notify = std::move(member->notify_);
      notifying = member;
      notifier = std::this_thread::get_id();
    }
    notify();
    {
      MutexLock lock(&mutex);
      if (notifying != nullptr) notifying->notify_ = std::move(notify);
      notifying = nullptr;
    }
    notified.notify_all();
  }
}

// ------------------------------------------------------------ MemoryGovernor

absl::Status MemoryGovernor::Validate(const MemoryGovernorOptions& options) {
  // Written so that a value that is no number is refused.
  if (!(options.pause_above > 0 && options.pause_above <= 1)) {
    return absl::InvalidArgumentError(
        absl::StrFormat("pause_above is %g: give a share of the limit, above 0 "
                        "and at most 1",
                        options.pause_above));
  }
  if (!(options.resume_below > 0 &&
        options.resume_below <= options.pause_above)) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "resume_below is %g: give a share of the limit, above 0 and at most "
        "pause_above, %g",
        options.resume_below, options.pause_above));
  }
  if (options.stall_timeout <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        absl::StrFormat("stall_timeout is %s: give more than zero",
                        absl::FormatDuration(options.stall_timeout)));
  }
  if (options.clock == nullptr) {
    return absl::InvalidArgumentError("clock is null: give Clock::Real()");
  }
  return absl::OkStatus();
}

MemoryGovernor::MemoryGovernor(MemoryGovernorOptions options,
                               std::function<MemoryUse()> use)
    : parts_(std::make_unique<Parts>(options, std::move(use))) {
  const absl::Status valid = Validate(options);
  if (!valid.ok()) {
    Fatal("memory governor: %s", std::string(valid.message()).c_str());
  }
}

MemoryGovernor::~MemoryGovernor() {
  MutexLock lock(&parts_->mutex);
  if (!parts_->members.empty()) {
    Fatal("memory governor: ends before %zu of its members",
          parts_->members.size());
  }
}

std::unique_ptr<MemoryGovernor::Member> MemoryGovernor::Join(
    std::function<void()> notify) {
  return std::unique_ptr<Member>(new Member(parts_.get(), std::move(notify)));
}

void MemoryGovernor::Check() {
  if (!parts_->Begin()) return;
  parts_->Decide(parts_->use());
  parts_->Notify();
  parts_->End();
}

MemoryGovernorStats MemoryGovernor::Stats() const {
  MutexLock lock(&parts_->mutex);
  MemoryGovernorStats stats = parts_->stats;
  stats.members = parts_->members.size();
  return stats;
}

// -------------------------------------------------------------------- Member

MemoryGovernor::Member::Member(Parts* parts, std::function<void()> notify)
    : parts_(parts), notify_(std::move(notify)) {
  parts_->Join(this);
}

MemoryGovernor::Member::~Member() { parts_->Leave(this); }

void MemoryGovernor::Member::SetRemaining(uint64_t bytes) {
  // Relaxed: as held_bytes_; and that it belongs to the message after those
  // that have ended is the release in SetNoMessage().
  remaining_bytes_.store(std::min(bytes, kNoMessage - 1),
                         std::memory_order_relaxed);
}

void MemoryGovernor::Member::SetNoMessage() {
  if (remaining_bytes_.load(std::memory_order_relaxed) == kNoMessage) return;
  remaining_bytes_.store(kNoMessage, std::memory_order_relaxed);
  ended_messages_.store(CurrentMessage(), std::memory_order_release);
}

bool MemoryGovernor::Member::TakeReject() {
  // Relaxed: see Parts::Apply().
  if (reject_message_.load(std::memory_order_relaxed) == 0) return false;
  const uint64_t message =
      reject_message_.exchange(0, std::memory_order_relaxed);
  return message == CurrentMessage() &&
         remaining_bytes_.load(std::memory_order_relaxed) != kNoMessage;
}

}  // namespace poolscope
