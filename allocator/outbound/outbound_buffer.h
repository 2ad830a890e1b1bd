// OutboundBuffer: the messages that wait to be written to one channel.
//
//   oldest                                                        newest
//   +---------+---------+---------+---------+---------+---------+
//   | written | partly  | flushed | flushed |  added  |  added  |
//   | (gone)  | written |         |         |         |         |
//   +---------+---------+---------+---------+---------+---------+
//             |<---- WriteTo() writes ----->|<- cancellable --->|
//
//   OutboundBuffer out(OutboundOptions{}, *std::move(channel));
//   out.Add(std::move(message));       // waits
//   out.AddFlush();                    // what waits is to be written
//   absl::StatusOr<bool> all = out.WriteTo(sink);
//   if (!all.ok()) out.Close(OutboundFailure::kTransport, all.status());
//   if (!*all) ...                     // ask the loop for room in the socket
//
// A message is a Buffer of any kind; its readable bytes are written, by gather
// writes of many messages at once. It goes back to who sent it, or its memory
// to the pool, when its last byte is out or it has failed.
//
// Bytes are counted twice. As Netty counts: readable bytes and 96 an entry,
// taken off when the message has ended; the watermarks look at these
// (writability.h). And with partial progress, nothing added: what the peer has
// not been sent. The registry shows the latter.
//
// Callbacks run within the call that causes them, after it has done its work
// on what they see. They may Add, AddFlush, Cancel, SetUserFlag and ask; they
// must not WriteTo, RemoveBytes, FailFlushed, Close or destroy the buffer they
// are called by: fatal. So may a sink, while it writes.
//
// Takes memory of malloc for its entries, never of a pool; keeps it for later
// ones. Thread-compatible; belongs to the thread of its channel.
#ifndef POOLSCOPE_ALLOCATOR_OUTBOUND_OUTBOUND_BUFFER_H_
#define POOLSCOPE_ALLOCATOR_OUTBOUND_OUTBOUND_BUFFER_H_

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <functional>

#include "absl/base/attributes.h"
#include "absl/base/optimization.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "poolscope/allocator/base/clock.h"
#include "poolscope/allocator/buffer/buffer.h"
#include "poolscope/allocator/outbound/message_ring.h"
#include "poolscope/allocator/outbound/outbound_failure.h"
#include "poolscope/allocator/outbound/outbound_sink.h"
#include "poolscope/allocator/outbound/registered_channel.h"
#include "poolscope/allocator/outbound/writability.h"

namespace poolscope {

struct OutboundOptions {
  Watermarks watermarks;

  // Of one gather write; 1 to 1024, which is the kernel's IOV_MAX.
  int max_iovecs = 1024;
  // Bytes of the first gather write, at least 2048. It doubles after a write
  // that the sink took whole, and halves after one of which it took less than
  // half (Netty's rule); it never falls below 2048.
  size_t initial_write_bytes = 128 << 10;
  // Writes of one WriteTo() before others have their turn; at least 1.
  int max_writes = 16;

  // Told each time that writable() has changed, and only then; but not by
  // Close() nor after it.
  std::function<void(bool writable)> on_writability;
  const Clock* clock = Clock::Real();
};

class OutboundBuffer {
 public:
  // What an entry counts for besides its bytes, as in Netty.
  static constexpr uint64_t kEntryOverheadBytes = 96;

  // Called once, when the message is out (OkStatus) or never will be; the
  // message comes back as it was added.
  using Done = absl::AnyInvocable<void(const absl::Status&, Buffer) &&>;

  // `channel` counts in a registry, or is RegisteredChannel() for none. Fatal
  // for options out of their bounds.
  explicit OutboundBuffer(OutboundOptions options,
                          RegisteredChannel channel = RegisteredChannel());
  // Fails what is left, as Close() with kClosed.
  ~OutboundBuffer();
  OutboundBuffer(const OutboundBuffer&) = delete;
  OutboundBuffer& operator=(const OutboundBuffer&) = delete;

  // Queues an open buffer, whether writable() or not: who must be bounded asks
  // first, or puts an Admission in front. Returns what Cancel() takes. After
  // Close() the message fails at once, uncounted, and 0 is returned.
  uint64_t Add(Buffer message, Done done = nullptr);

  // What was added is to be written, and can no longer be cancelled.
  void AddFlush();

  // Ends a message that is not flushed. False when it is, or has ended.
  bool Cancel(uint64_t message);

  // Writes what is flushed: true when all of it is out, false when the sink is
  // full or had its turn (needs_turn()). The sink's error, with what is queued
  // as it was, but for what the sink took before.
  absl::StatusOr<bool> WriteTo(OutboundSink& sink);
  // After WriteTo() returned false: it was not for want of room.
  bool needs_turn() const { return needs_turn_; }

  // Fails every flushed message, oldest first; others stay, and what callbacks
  // flush meanwhile. `status` is an error, as for Close().
  void FailFlushed(OutboundFailure failure, const absl::Status& status);
  // Fails every message, oldest first, and refuses further ones.
  void Close(OutboundFailure failure, const absl::Status& status);
  bool closed() const { return closed_; }

  // The first pieces of what is flushed, at most as many as fit `pieces` and,
  // from the second on, as stay within `max_bytes`; for a transport that writes
  // by itself and says how far it came.
  // 0 where only empty messages are flushed, which RemoveBytes(0) ends.
  size_t Gather(absl::Span<iovec> pieces, size_t max_bytes) const;
  // Those were written: at most what is flushed, else fatal.
  void RemoveBytes(uint64_t bytes);

  // Never once closed.
  bool writable() const { return !closed_ && writability_.writable(); }
  void SetUserFlag(int index, bool writable);
  bool user_flag(int index) const { return writability_.user_flag(index); }
  uint64_t BytesBeforeUnwritable() const {
    return closed_ ? 0 : writability_.BytesBeforeUnwritable();
  }
  uint64_t BytesBeforeWritable() const {
    return writability_.BytesBeforeWritable();
  }

  // As Netty counts, and as the peer sees it.
  uint64_t pending_bytes() const { return writability_.pending_bytes(); }
  uint64_t unwritten_bytes() const { return unwritten_bytes_; }
  // Messages that have not ended, and those of them that are flushed.
  size_t size() const { return messages_; }
  size_t flushed_size() const { return flushed_messages_; }
  bool empty() const { return size() == 0; }

  // For what stands in front of it, such as Admission.
  RegisteredChannel& channel() { return channel_; }
  const Clock& clock() const { return *options_.clock; }

  // Fatal unless its sums hold. For tests.
  void CheckInvariants() const;

 private:
  class Busy;

  // Fatal while a callback or a sink runs.
  void CheckIdle(const char* operation) const;

  // An entry of the ring has ended: OkStatus, it is written. Takes it off
  // everywhere, and tells its sender.
  void End(size_t index, const absl::Status& status, OutboundFailure failure);
  void FailBefore(uint64_t number, OutboundFailure failure,
                  const absl::Status& status);

  // Parts of WriteTo(). Inline: after a system call, each call costs a miss.
  ABSL_ATTRIBUTE_ALWAYS_INLINE absl::StatusOr<bool> WriteFlushed(
      OutboundSink& sink);
  ABSL_ATTRIBUTE_ALWAYS_INLINE void RemoveWritten(uint64_t bytes);
  bool IsFirstWritten() const {
    return ring_.flushed() > 0 &&
           ring_.front().message.readable_bytes() <= front_written_bytes_;
  }
  // Ends the messages that are written; those that nobody is told of, as far as
  // they are neighbours, at once. Of these no number is `end` or above.
  void EndWritten();
  ABSL_ATTRIBUTE_ALWAYS_INLINE void EndUntold(uint64_t end);
  void Adapt(size_t offered, size_t taken);

  void ShowOldest() {
    if (!channel_.registered()) return;
    channel_.SetOldest(ring_.empty() ? 0 : ring_.front().queued_at_nanos);
  }
  void Apply(WritabilityChange change) {
    if (ABSL_PREDICT_FALSE(change != WritabilityChange::kNone)) Tell(change);
  }
  void Tell(WritabilityChange change);

  const OutboundOptions options_;
  RegisteredChannel channel_;
  Writability writability_;
  outbound_internal::MessageRing ring_;

  size_t messages_ = 0;  // those that have not ended
  size_t flushed_messages_ = 0;
  uint64_t unwritten_bytes_ = 0;
  uint64_t flushed_bytes_ = 0;  // of these
  // Bytes from the first message's beginning on that are written. While
  // callbacks run they may reach into further messages.
  uint64_t front_written_bytes_ = 0;

  size_t write_bytes_;  // of the next gather write
  int busy_ = 0;        // callbacks and sinks that run
  bool needs_turn_ = false;
  bool closed_ = false;
  absl::Status close_status_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_OUTBOUND_OUTBOUND_BUFFER_H_
