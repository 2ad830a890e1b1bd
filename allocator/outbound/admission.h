// Admission: what lets messages through to an OutboundBuffer, and holds to a
// policy while that is unwritable.
//
//                       writable, nothing waits
//   Offer(message) ---------------------------------------> OutboundBuffer
//        |  unwritable, or others wait                           ^
//        +-- kQueue ---> waits (capped) ---- Drain(n) -----------+
//        |                  full
//        +-- kReject -----------------> rejected
//        +-- kClose ------------------> rejected, close_wanted()
//
//   switch (admission.Offer(std::move(message), std::move(done))) {
//     case Admission::Outcome::kAdded: schedule a flush ...
//     case Admission::Outcome::kQueued: break;
//     case Admission::Outcome::kRejected: ...    // `done` has been called
//   }
//   ...                                          // writable again, each turn
//   if (admission.Drain(16)) ...                 // more wait: another turn
//
// A rejected message comes back through its `done` with ResourceExhaustedError.
// Order is kept: nothing passes what waits.
//
// Thread-compatible; belongs to the thread of its channel.
#ifndef POOLSCOPE_ALLOCATOR_OUTBOUND_ADMISSION_H_
#define POOLSCOPE_ALLOCATOR_OUTBOUND_ADMISSION_H_

#include <cstddef>
#include <cstdint>

#include "poolscope/allocator/buffer/buffer.h"
#include "poolscope/allocator/outbound/admission_policy.h"
#include "poolscope/allocator/outbound/outbound_buffer.h"

namespace poolscope {

struct AdmissionOptions {
  AdmissionPolicy policy = AdmissionPolicy::kQueue;
  // Caps of the queue. One message always fits an empty one.
  size_t max_messages = 128;
  uint64_t max_bytes = 1 << 20;
};

class Admission {
 public:
  enum class Outcome { kAdded, kQueued, kRejected };

  // `out` is borrowed and outlives it.
  Admission(AdmissionOptions options, OutboundBuffer* out);
  // Fails what waits, as Close().
  ~Admission();

  Outcome Offer(Buffer message, OutboundBuffer::Done done = nullptr);

  // Adds what waits, oldest first, while the buffer is writable, at most
  // `max_messages`. True when more could be added: come again next turn.
  bool Drain(size_t max_messages);

  // Fails what waits, and rejects what comes.
  void Close(const absl::Status& status);

  // Policy kClose has rejected a message.
  bool close_wanted() const;
  size_t queued_messages() const;
  uint64_t queued_bytes() const;
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_OUTBOUND_ADMISSION_H_
