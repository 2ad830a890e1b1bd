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
// A rejected message comes back through its `done` with ResourceExhaustedError,
// once the admission or the buffer is closed with the status of that. Order is
// kept: nothing passes what waits. No message is lost: each was added, waits,
// or has been counted as rejected under the channel's policy, what Close()
// fails included.
//
// Every `done` runs within the call that ends its message, when that is no
// longer part of the admission: it may Offer again, Drain, Close and ask, but
// must not destroy the admission.
//
// Takes memory of malloc for what waits, and gives it back. Thread-compatible;
// belongs to the thread of its channel.
#ifndef POOLSCOPE_ALLOCATOR_OUTBOUND_ADMISSION_H_
#define POOLSCOPE_ALLOCATOR_OUTBOUND_ADMISSION_H_

#include <cstddef>
#include <cstdint>
#include <list>

#include "absl/status/status.h"
#include "poolscope/allocator/buffer/buffer.h"
#include "poolscope/allocator/outbound/admission_policy.h"
#include "poolscope/allocator/outbound/outbound_buffer.h"

namespace poolscope {

struct AdmissionOptions {
  AdmissionPolicy policy = AdmissionPolicy::kQueue;
  // Caps of the queue, the latter of readable bytes. One message always fits an
  // empty one.
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
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  // Takes an open buffer.
  Outcome Offer(Buffer message, OutboundBuffer::Done done = nullptr);

  // Adds what waits, oldest first, while the buffer is writable, at most
  // `max_messages`. True when more could be added: come again next turn.
  bool Drain(size_t max_messages);

  // Fails what waits, and rejects what comes. Once; later ones do nothing. The
  // buffer's own end does not fail what waits here.
  void Close(const absl::Status& status);

  // Policy kClose has rejected a message. From then on it rejects every one,
  // writable or not, so that none goes out behind the gap.
  bool close_wanted() const { return close_wanted_; }
  size_t queued_messages() const { return queue_.size(); }
  uint64_t queued_bytes() const { return queued_bytes_; }

 private:
  struct Waiting {
    Buffer message;
    OutboundBuffer::Done done;
  };

  // To the buffer. False when that is closed: the message has failed.
  bool Add(Waiting waiting);
  bool FitsQueue(uint64_t bytes) const;
  Outcome Reject(Waiting waiting, const absl::Status& status);
  absl::Status Refusal() const;
  void ShowQueue();

  const AdmissionOptions options_;
  OutboundBuffer* const out_;
  // A list: an empty one takes no memory, and most channels never queue.
  std::list<Waiting> queue_;
  uint64_t queued_bytes_ = 0;
  bool close_wanted_ = false;
  absl::Status closed_;  // OK while open
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_OUTBOUND_ADMISSION_H_
