#include "poolscope/allocator/outbound/governor_decision.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace poolscope {
namespace {

constexpr size_t kNobody = std::numeric_limits<size_t>::max();

// Members resumed by one decision: at least so many, or this share of those
// that are paused.
constexpr size_t kMinResumes = 16;
constexpr size_t kResumeShare = 8;

uint64_t MarkBytes(double mark, const MemoryUse& use) {
  // Not by a double where it could not hold the product.
  if (mark >= 1) return use.limit_bytes;
  return static_cast<uint64_t>(mark * use.limit_bytes);
}

// One decision in the making.
class Decider {
 public:
  Decider(const MemoryGovernorOptions& options, const GovernorView& view)
      : view_(view),
        members_(view.members),
        stall_nanos_(absl::ToInt64Nanoseconds(options.stall_timeout)),
        high_(MarkBytes(options.pause_above, view.use)),
        low_(MarkBytes(options.resume_below, view.use)) {}

  GovernorDecision Decide() {
    const uint64_t used = view_.use.used_bytes;
    decision_.history.used_bytes = used;
    if (used < low_) {
      ResumeLeast();
      return std::move(decision_);
    }
    if (used > high_) {
      RejectStalled();
      PauseWorst(kNobody);
    }
    LetThrough();
    return std::move(decision_);
  }

 private:
  bool IsUnderWay(size_t i) const {
    return members_[i].remaining_bytes.has_value() &&
           !members_[i].told_to_reject && i != rejected_;
  }
  bool HasWaited(const GovernorMember& member) const {
    return view_.now_nanos - member.since_nanos >= stall_nanos_;
  }

  void RejectStalled() {
    const int64_t now = view_.now_nanos;
    int64_t since = view_.history.stalled_since_nanos.value_or(now);
    if (view_.completed) since = now;
    if (now - since >= stall_nanos_) {
      since = now;
      decision_.reject = LargestMessage();
      rejected_ = decision_.reject.value_or(kNobody);
    }
    decision_.history.stalled_since_nanos = since;
  }

  std::optional<size_t> LargestMessage() const {
    std::optional<size_t> largest;
    for (size_t i = 0; i < members_.size(); ++i) {
      if (!IsUnderWay(i) || members_[i].held_bytes == 0) continue;
      if (!largest.has_value() || HoldsMore(i, *largest)) largest = i;
    }
    return largest;
  }

  bool HoldsMore(size_t a, size_t b) const {
    if (members_[a].held_bytes != members_[b].held_bytes) {
      return members_[a].held_bytes > members_[b].held_bytes;
    }
    return members_[a].id < members_[b].id;
  }

  // All but `spared`.
  void PauseWorst(size_t spared) {
    decision_.pause.clear();
    const uint64_t used = view_.use.used_bytes;
    const uint64_t excess = used - low_;
    const bool falling = used < view_.history.used_bytes;
    uint64_t covered = 0;
    std::vector<size_t> heap;
    for (size_t i = 0; i < members_.size(); ++i) {
      const GovernorMember& member = members_[i];
      if (member.paused) {
        if (falling) covered += member.held_bytes;
      } else if (member.held_bytes > 0 && !member.let_through && i != spared) {
        heap.push_back(i);
      }
    }
    const auto less = [this](size_t a, size_t b) { return HoldsMore(b, a); };
    std::make_heap(heap.begin(), heap.end(), less);
    while (covered < excess && !heap.empty()) {
      std::pop_heap(heap.begin(), heap.end(), less);
      covered += members_[heap.back()].held_bytes;
      decision_.pause.push_back(heap.back());
      heap.pop_back();
    }
  }

  void ResumeLeast() {
    std::vector<size_t>& resume = decision_.resume;
    for (size_t i = 0; i < members_.size(); ++i) {
      if (members_[i].paused) resume.push_back(i);
    }
    const size_t batch = std::min(
        resume.size(), std::max(kMinResumes, resume.size() / kResumeShare));
    std::partial_sort(resume.begin(), resume.begin() + batch, resume.end(),
                      [this](size_t a, size_t b) { return HoldsMore(b, a); });
    resume.resize(batch);
  }

  void LetThrough() {
    std::optional<size_t> next;
    bool held_up = false;
    for (size_t i = 0; i < members_.size(); ++i) {
      const GovernorMember& member = members_[i];
      if (!IsUnderWay(i)) continue;
      if (member.let_through) {
        if (!HasWaited(member)) return;
        continue;
      }
      if (!member.paused && member.held_bytes == 0) continue;
      held_up |= member.paused;
      if (!next.has_value() || GoesBefore(member, members_[*next])) next = i;
    }
    if (!next.has_value()) return;
    for (size_t i : decision_.pause) held_up |= IsUnderWay(i);
    if (!held_up) return;
    decision_.let_through = next;
    if (view_.use.used_bytes > high_ && !members_[*next].paused) {
      PauseWorst(*next);
    }
  }

  bool GoesBefore(const GovernorMember& a, const GovernorMember& b) const {
    const bool a_waited = a.paused && HasWaited(a);
    const bool b_waited = b.paused && HasWaited(b);
    if (a_waited != b_waited) return a_waited;
    if (a_waited && a.since_nanos != b.since_nanos) {
      return a.since_nanos < b.since_nanos;
    }
    if (a.remaining_bytes != b.remaining_bytes) {
      return a.remaining_bytes < b.remaining_bytes;
    }
    return a.id < b.id;
  }

  const GovernorView& view_;
  const absl::Span<const GovernorMember> members_;
  const int64_t stall_nanos_;
  const uint64_t high_;
  const uint64_t low_;
  size_t rejected_ = kNobody;
  GovernorDecision decision_;
};

}  // namespace

GovernorDecision DecideOnMemory(const MemoryGovernorOptions& options,
                                const GovernorView& view) {
  return Decider(options, view).Decide();
}

bool IsAbovePauseMark(const MemoryGovernorOptions& options,
                      const MemoryUse& use) {
  return use.used_bytes > MarkBytes(options.pause_above, use);
}

}  // namespace poolscope
