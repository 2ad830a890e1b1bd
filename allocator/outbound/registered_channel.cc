#include "poolscope/allocator/outbound/registered_channel.h"

#include <utility>

#include "poolscope/allocator/outbound/channel_group.h"

namespace poolscope {

RegisteredChannel::RegisteredChannel(ChannelGroup* group, ChannelRecord* record)
    : slot_(record->slot), record_(record), group_(group) {}

RegisteredChannel::RegisteredChannel(RegisteredChannel&& other) noexcept
    : slot_(std::exchange(other.slot_, nullptr)),
      record_(std::exchange(other.record_, nullptr)),
      group_(std::exchange(other.group_, nullptr)) {}

RegisteredChannel& RegisteredChannel::operator=(
    RegisteredChannel&& other) noexcept {
  // The old place is given back by the destructor of `taken`.
  RegisteredChannel taken(std::move(other));
  std::swap(slot_, taken.slot_);
  std::swap(record_, taken.record_);
  std::swap(group_, taken.group_);
  return *this;
}

RegisteredChannel::~RegisteredChannel() {
  if (registered()) group_->Remove(record_);
}

uint64_t RegisteredChannel::id() const {
  // Relaxed: it does not change while the place is ours.
  return registered() ? record_->id.load(std::memory_order_relaxed) : 0;
}

void RegisteredChannel::CountFailed(uint64_t unwritten_bytes,
                                    OutboundFailure failure) {
  if (!registered()) return;
  group_->CountFailed(slot_, unwritten_bytes, failure);
  AddMessages(-1);
}

void RegisteredChannel::CountTransition(bool writable, int64_t now) {
  if (registered()) group_->CountTransition(slot_, writable, now);
}

void RegisteredChannel::CountRejected(AdmissionPolicy policy) {
  if (registered()) group_->CountRejected(policy);
}

}  // namespace poolscope
