#include "poolscope/allocator/outbound/outbound_buffer.h"

#include <algorithm>
#include <cinttypes>
#include <limits>
#include <string>
#include <utility>

#include "poolscope/allocator/base/fatal.h"

namespace poolscope {

using outbound_internal::Entry;

namespace {

constexpr int kMaxIovecs = 1024;
constexpr size_t kLeastWriteBytes = 2048;

OutboundOptions Checked(OutboundOptions options) {
  const absl::Status watermarks = ValidateWatermarks(options.watermarks);
  if (!watermarks.ok()) {
    Fatal("OutboundBuffer: %s", std::string(watermarks.message()).c_str());
  }
  if (options.max_iovecs < 1 || options.max_iovecs > kMaxIovecs) {
    Fatal("OutboundBuffer: max_iovecs of %d: 1 to %d", options.max_iovecs,
          kMaxIovecs);
  }
  if (options.initial_write_bytes < kLeastWriteBytes) {
    Fatal("OutboundBuffer: initial_write_bytes of %zu: at least %zu",
          options.initial_write_bytes, kLeastWriteBytes);
  }
  if (options.max_writes < 1) {
    Fatal("OutboundBuffer: max_writes of %d: at least 1", options.max_writes);
  }
  return options;
}

}  // namespace

// While one lives, the code of others runs.
class OutboundBuffer::Busy {
 public:
  explicit Busy(OutboundBuffer* buffer) : buffer_(buffer) { ++buffer_->busy_; }
  ~Busy() { --buffer_->busy_; }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;

 private:
  OutboundBuffer* const buffer_;
};

OutboundBuffer::OutboundBuffer(OutboundOptions options,
                               RegisteredChannel channel)
    : options_(Checked(std::move(options))),
      channel_(std::move(channel)),
      writability_(options_.watermarks),
      write_bytes_(options_.initial_write_bytes) {}

OutboundBuffer::~OutboundBuffer() {
  CheckIdle("destruction");
  Close(OutboundFailure::kClosed,
        absl::UnavailableError("the outbound buffer was destroyed"));
}

void OutboundBuffer::CheckIdle(const char* operation) const {
  if (ABSL_PREDICT_FALSE(busy_ > 0)) {
    Fatal("%s of outbound buffer %p by its own callback or sink", operation,
          static_cast<const void*>(this));
  }
}

// ---------------------------------------------------------------- messages

uint64_t OutboundBuffer::Add(Buffer message, Done done) {
  if (ABSL_PREDICT_FALSE(!message.is_open())) {
    Fatal("Add to outbound buffer %p of a buffer that is not open",
          static_cast<const void*>(this));
  }
  if (ABSL_PREDICT_FALSE(closed_)) {
    if (done) {
      const Busy busy(this);
      std::move(done)(close_status_, std::move(message));
    }
    return 0;
  }
  const uint64_t bytes = message.readable_bytes();
  const uint64_t number =
      ring_.PushBack(std::move(message), std::move(done),
                     channel_.registered() ? options_.clock->NowNanos() : 0);
  ++messages_;
  unwritten_bytes_ += bytes;
  channel_.CountQueued(bytes);
  if (ring_.size() == 1) ShowOldest();
  Apply(writability_.Add(bytes + kEntryOverheadBytes));
  return number;
}

void OutboundBuffer::AddFlush() {
  ring_.FlushAll();
  flushed_messages_ = messages_;
  flushed_bytes_ = unwritten_bytes_;
}

bool OutboundBuffer::Cancel(uint64_t message) {
  const size_t index = ring_.Find(message);
  if (index == ring_.size() || index < ring_.flushed()) return false;
  End(index, absl::CancelledError("the message was cancelled"),
      OutboundFailure::kCancelled);
  return true;
}

void OutboundBuffer::FailFlushed(OutboundFailure failure,
                                 const absl::Status& status) {
  CheckIdle("FailFlushed");
  if (ring_.flushed() == 0) return;
  FailBefore(ring_.at(ring_.flushed() - 1).number + 1, failure, status);
}

void OutboundBuffer::Close(OutboundFailure failure,
                           const absl::Status& status) {
  CheckIdle("Close");
  if (!closed_) {
    closed_ = true;
    close_status_ = status;
    needs_turn_ = false;
    channel_.SetHeldBytes(0);
  }
  FailBefore(std::numeric_limits<uint64_t>::max(), failure, status);
}

void OutboundBuffer::FailBefore(uint64_t number, OutboundFailure failure,
                                const absl::Status& status) {
  if (status.ok()) {
    Fatal("messages of outbound buffer %p fail with the status OK",
          static_cast<const void*>(this));
  }
  while (!ring_.empty() && ring_.front().number < number) {
    End(0, status, failure);
  }
}

void OutboundBuffer::End(size_t index, const absl::Status& status,
                         OutboundFailure failure) {
  Entry& entry = ring_.at(index);
  const uint64_t bytes = entry.message.readable_bytes();
  const uint64_t written =
      index == 0 ? std::min(bytes, front_written_bytes_) : 0;
  const bool flushed = index < ring_.flushed();
  front_written_bytes_ -= written;
  --messages_;
  if (flushed) --flushed_messages_;
  if (ABSL_PREDICT_TRUE(status.ok())) {
    channel_.CountCompleted();
  } else {
    unwritten_bytes_ -= bytes - written;
    if (flushed) flushed_bytes_ -= bytes - written;
    channel_.CountFailed(bytes - written, failure);
  }
  if (ABSL_PREDICT_TRUE(!entry.done)) {
    ring_.Remove(index);
    ShowOldest();
    Apply(writability_.Remove(bytes + kEntryOverheadBytes));
    return;
  }
  Done done = std::move(entry.done);
  Buffer message = std::move(entry.message);
  ring_.Remove(index);
  ShowOldest();
  Apply(writability_.Remove(bytes + kEntryOverheadBytes));
  const Busy busy(this);
  std::move(done)(status, std::move(message));
}

// ----------------------------------------------------------------- writing

inline void OutboundBuffer::EndUntold(uint64_t end) {
  uint64_t pending = 0;
  do {
    const Entry& first = ring_.front();
    if (first.done || first.number >= end) break;
    const uint64_t bytes = first.message.readable_bytes();
    front_written_bytes_ -= bytes;
    pending += bytes + kEntryOverheadBytes;
    --messages_;
    --flushed_messages_;
    channel_.CountCompleted();
    ring_.Remove(0);
  } while (IsFirstWritten());
  ShowOldest();
  Apply(writability_.Remove(pending));
}

void OutboundBuffer::EndWritten() {
  if (!IsFirstWritten()) return;
  // Those that callbacks add must not keep it here.
  const uint64_t end = ring_.next_number();
  do {
    if (ring_.front().number >= end) return;
    if (ring_.front().done) {
      End(0, absl::OkStatus(), {});
    } else {
      EndUntold(end);
    }
  } while (IsFirstWritten());
}

inline void OutboundBuffer::RemoveWritten(uint64_t bytes) {
  flushed_bytes_ -= bytes;
  unwritten_bytes_ -= bytes;
  front_written_bytes_ += bytes;
  channel_.CountWritten(bytes);
  EndWritten();
}

inline absl::StatusOr<bool> OutboundBuffer::WriteFlushed(OutboundSink& sink) {
  needs_turn_ = false;
  EndWritten();  // what has no bytes
  iovec pieces[kMaxIovecs];
  for (int writes = 0; flushed_bytes_ > 0; ++writes) {
    if (writes == options_.max_writes) {
      needs_turn_ = true;
      return false;
    }
    const size_t count =
        Gather(absl::MakeSpan(pieces, options_.max_iovecs), write_bytes_);
    size_t offered = 0;
    for (size_t i = 0; i < count; ++i) offered += pieces[i].iov_len;
    const absl::StatusOr<size_t> taken = [&] {
      const Busy busy(this);
      return sink.Write(absl::MakeConstSpan(pieces, count));
    }();
    if (!taken.ok()) return taken.status();
    if (*taken == 0) return false;
    if (*taken > offered) {
      Fatal("a sink took %zu bytes of %zu", *taken, offered);
    }
    Adapt(offered, *taken);
    RemoveWritten(*taken);
  }
  // Empty messages that callbacks have flushed meanwhile.
  needs_turn_ = flushed_messages_ > 0;
  return !needs_turn_;
}

absl::StatusOr<bool> OutboundBuffer::WriteTo(OutboundSink& sink) {
  CheckIdle("WriteTo");
  absl::StatusOr<bool> all = WriteFlushed(sink);
  channel_.SetHeldBytes(sink.HeldBytes());
  return all;
}

void OutboundBuffer::Adapt(size_t offered, size_t taken) {
  if (taken == offered) {
    write_bytes_ = std::max(write_bytes_, 2 * offered);
  } else if (offered > 2 * kLeastWriteBytes && taken < offered / 2) {
    // A first piece that is larger than the cap says nothing about it.
    write_bytes_ = std::min(write_bytes_, offered / 2);
  }
}

size_t OutboundBuffer::Gather(absl::Span<iovec> pieces,
                              size_t max_bytes) const {
  size_t count = 0;
  size_t bytes = 0;
  size_t written = front_written_bytes_;
  for (size_t i = 0; i < ring_.flushed(); ++i) {
    const Buffer& message = ring_.at(i).message;
    const size_t readable = message.readable_bytes();
    if (readable <= written) {
      written -= readable;
      continue;
    }
    const size_t end = message.writer_offset();
    for (size_t offset = message.reader_offset() + written; offset < end;) {
      if (count == pieces.size()) return count;
      const absl::Span<const uint8_t> rest = message.Contiguous(offset);
      const size_t size = std::min(rest.size(), end - offset);
      if (count > 0 && (bytes > max_bytes || size > max_bytes - bytes)) {
        return count;
      }
      pieces[count++] = {const_cast<uint8_t*>(rest.data()), size};
      bytes += size;
      offset += size;
    }
    written = 0;
  }
  return count;
}

void OutboundBuffer::RemoveBytes(uint64_t bytes) {
  CheckIdle("RemoveBytes");
  if (bytes > flushed_bytes_) {
    Fatal("RemoveBytes of %" PRIu64 " bytes, of %" PRIu64 " that are flushed",
          bytes, flushed_bytes_);
  }
  RemoveWritten(bytes);
}

// ------------------------------------------------------------------- state

void OutboundBuffer::SetUserFlag(int index, bool writable) {
  Apply(writability_.SetUserFlag(index, writable));
}

void OutboundBuffer::Tell(WritabilityChange change) {
  const bool writable = change == WritabilityChange::kWritable;
  // A closed one stays unwritable, whatever its bytes say.
  if (closed_) return;
  if (channel_.registered()) {
    channel_.CountTransition(writable, options_.clock->NowNanos());
  }
  if (!options_.on_writability) return;
  const Busy busy(this);
  options_.on_writability(writable);
}

void OutboundBuffer::CheckInvariants() const {
  uint64_t messages = 0;
  uint64_t flushed_messages = 0;
  uint64_t bytes = 0;
  uint64_t flushed_bytes = 0;
  uint64_t last_number = 0;
  for (size_t i = 0; i < ring_.size(); ++i) {
    const Entry& entry = ring_.at(i);
    if (entry.number <= last_number) Fatal("messages are out of order");
    last_number = entry.number;
    if (entry.is_hole()) {
      if (i == 0) Fatal("the first message has ended");
      continue;
    }
    ++messages;
    bytes += entry.message.readable_bytes();
    if (i >= ring_.flushed()) continue;
    ++flushed_messages;
    flushed_bytes += entry.message.readable_bytes();
  }
  const auto check = [](const char* what, uint64_t is, uint64_t sum) {
    if (is != sum) {
      Fatal("%s: %" PRIu64 ", and they are %" PRIu64, what, is, sum);
    }
  };
  check("messages", messages_, messages);
  check("flushed messages", flushed_messages_, flushed_messages);
  check("holes", ring_.holes(), ring_.size() - messages);
  check("unwritten bytes", unwritten_bytes_ + front_written_bytes_, bytes);
  check("flushed bytes", flushed_bytes_ + front_written_bytes_, flushed_bytes);
  check("pending bytes", pending_bytes(),
        bytes + messages * kEntryOverheadBytes);
  // Between calls, no written message is left but empty ones.
  if (busy_ == 0 && front_written_bytes_ > 0 &&
      front_written_bytes_ >= ring_.front().message.readable_bytes()) {
    Fatal("the first message is written and has not ended");
  }
}

}  // namespace poolscope
