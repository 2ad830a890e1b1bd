#include "poolscope/allocator/outbound/turn_queue.h"

#include <algorithm>

namespace poolscope {
namespace {

// As many removed entries may stay beside as many that wait.
constexpr size_t kSlackEntries = 64;

}  // namespace

void TurnQueue::Push(uint64_t token) {
  if (!tickets_.emplace(token, next_ticket_).second) return;
  entries_.push_back({token, next_ticket_++});
}

void TurnQueue::Remove(uint64_t token) {
  if (tickets_.erase(token) > 0) Compact();
}

void TurnQueue::Compact() {
  if (entries_.size() <= 2 * tickets_.size() + kSlackEntries) return;
  const auto removed = [this](const Entry& entry) {
    const auto found = tickets_.find(entry.token);
    return found == tickets_.end() || found->second != entry.ticket;
  };
  entries_.erase(std::remove_if(entries_.begin(), entries_.end(), removed),
                 entries_.end());
}

bool TurnQueue::Run(size_t max, absl::FunctionRef<void(uint64_t token)> run) {
  const uint64_t end =
      max == kAll ? std::numeric_limits<uint64_t>::max() : next_ticket_;
  while (max > 0 && !entries_.empty() && entries_.front().ticket < end) {
    const Entry entry = entries_.front();
    entries_.pop_front();
    const auto found = tickets_.find(entry.token);
    if (found == tickets_.end() || found->second != entry.ticket) continue;
    tickets_.erase(found);
    if (max != kAll) --max;
    run(entry.token);
  }
  return !empty();
}

}  // namespace poolscope
