// RegisteredChannel: a channel's place in a ChannelRegistry, and the only
// writer of its figures.
//
// Held by an OutboundBuffer, which counts what is queued, written and failed;
// by the admission in front of it, which counts what waits or is rejected. One
// that is default-constructed or moved from counts nothing: an OutboundBuffer
// without a registry has such a one. Its destruction gives the place back;
// nothing may be pending then: fatal.
//
// Counting costs a test and, for each figure, a plain load and store on the one
// cache line of the channel (channel_slot.h says in which order they are read).
// Failures, transitions and rejections, which are rare, add to figures of the
// whole group besides.
//
// Thread-compatible.
#ifndef POOLSCOPE_ALLOCATOR_OUTBOUND_REGISTERED_CHANNEL_H_
#define POOLSCOPE_ALLOCATOR_OUTBOUND_REGISTERED_CHANNEL_H_

#include <atomic>
#include <cstdint>

#include "poolscope/allocator/outbound/admission_policy.h"
#include "poolscope/allocator/outbound/channel_slot.h"
#include "poolscope/allocator/outbound/outbound_failure.h"

namespace poolscope {

class ChannelGroup;
struct ChannelRecord;

class RegisteredChannel {
 public:
  RegisteredChannel() = default;
  // For ChannelRegistry: takes over what `group` has added.
  RegisteredChannel(ChannelGroup* group, ChannelRecord* record);
  RegisteredChannel(RegisteredChannel&& other) noexcept;
  RegisteredChannel& operator=(RegisteredChannel&& other) noexcept;
  ~RegisteredChannel();

  bool registered() const { return slot_ != nullptr; }
  uint64_t id() const;  // 0 unless registered

  // Payload bytes of a message that was queued, and of a part that was written.
  void CountQueued(uint64_t bytes) {
    if (slot_ == nullptr) return;
    slot_->queued_bytes.Add(bytes);
    AddMessages(1);
  }
  void CountWritten(uint64_t bytes) {
    if (slot_ == nullptr) return;
    slot_->written_bytes.Add(bytes);
  }
  // A message has ended, written to its last byte.
  void CountCompleted() {
    if (slot_ == nullptr) return;
    AddMessages(-1);
  }
  // A message has ended with so many bytes unwritten.
  void CountFailed(uint64_t unwritten_bytes, OutboundFailure failure);

  // When the first of what is pending was queued, by the clock of the registry;
  // 0: nothing is.
  void SetOldest(int64_t nanos) {
    if (slot_ == nullptr) return;
    slot_->oldest_nanos.store(nanos, std::memory_order_relaxed);
  }
  // `now` is the clock's. Nothing when it is so already.
  void CountTransition(bool writable, int64_t now);
  void SetHeldBytes(uint64_t bytes) {
    if (slot_ == nullptr) return;
    slot_->held_bytes.store(bytes, std::memory_order_relaxed);
  }

  void SetAdmissionQueue(uint64_t messages, uint64_t bytes) {
    if (slot_ == nullptr) return;
    slot_->admission_messages.store(static_cast<uint32_t>(messages),
                                    std::memory_order_relaxed);
    slot_->admission_bytes.store(bytes, std::memory_order_relaxed);
  }
  void CountRejected(AdmissionPolicy policy);

 private:
  // A plain load and store: this thread is the only writer.
  void AddMessages(int32_t change) {
    std::atomic<uint32_t>& messages = slot_->pending_messages;
    messages.store(messages.load(std::memory_order_relaxed) + change,
                   std::memory_order_relaxed);
  }

  ChannelSlot* slot_ = nullptr;  // of record_, one load nearer
  ChannelRecord* record_ = nullptr;
  ChannelGroup* group_ = nullptr;
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_OUTBOUND_REGISTERED_CHANNEL_H_
