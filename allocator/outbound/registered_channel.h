// RegisteredChannel: a channel's place in a ChannelRegistry, and the only
// writer of its figures.
//
// Held by an OutboundBuffer, which counts what is queued, written and failed;
// by the admission in front of it, which counts what waits or is rejected. One
// that is default-constructed or moved from counts nothing: an OutboundBuffer
// without a registry has such a one. Its destruction gives the place back;
// nothing may be pending then.
//
// Thread-compatible.
#ifndef POOLSCOPE_ALLOCATOR_OUTBOUND_REGISTERED_CHANNEL_H_
#define POOLSCOPE_ALLOCATOR_OUTBOUND_REGISTERED_CHANNEL_H_

#include <cstdint>

#include "poolscope/allocator/outbound/admission_policy.h"
#include "poolscope/allocator/outbound/outbound_failure.h"

namespace poolscope {

class RegisteredChannel {
 public:
  RegisteredChannel() = default;
  RegisteredChannel(RegisteredChannel&& other) noexcept;
  RegisteredChannel& operator=(RegisteredChannel&& other) noexcept;
  ~RegisteredChannel();

  bool registered() const;
  uint64_t id() const;  // 0 unless registered

  // Payload bytes of a message that was queued, and of a part that was written.
  void CountQueued(uint64_t bytes);
  void CountWritten(uint64_t bytes);
  // A message has ended, written to its last byte.
  void CountCompleted();
  // A message has ended with so many bytes unwritten.
  void CountFailed(uint64_t unwritten_bytes, OutboundFailure failure);

  // When the first of what is pending was queued, by the clock of the registry;
  // 0: nothing is.
  void SetOldest(int64_t nanos);
  // `now` is the clock's.
  void CountTransition(bool writable, int64_t now);
  void SetHeldBytes(uint64_t bytes);

  void SetAdmissionQueue(uint64_t messages, uint64_t bytes);
  void CountRejected(AdmissionPolicy policy);
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_OUTBOUND_REGISTERED_CHANNEL_H_
