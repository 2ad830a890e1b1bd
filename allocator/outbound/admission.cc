#include "poolscope/allocator/outbound/admission.h"

#include <utility>

#include "absl/base/optimization.h"
#include "absl/strings/str_format.h"
#include "poolscope/allocator/base/fatal.h"

namespace poolscope {

Admission::Admission(AdmissionOptions options, OutboundBuffer* out)
    : options_(options), out_(out) {}

Admission::~Admission() {
  Close(absl::CancelledError("the channel ended before the message was added"));
}

Admission::Outcome Admission::Offer(Buffer message, OutboundBuffer::Done done) {
  if (ABSL_PREDICT_FALSE(!message.is_open())) {
    Fatal("Offer to admission %p of a buffer that is not open",
          static_cast<const void*>(this));
  }
  Waiting offered{std::move(message), std::move(done)};
  if (!closed_.ok()) return Reject(std::move(offered), closed_);
  const bool admitted = !close_wanted_ && queue_.empty() && out_->writable();
  // A closed buffer fails it, after what has waited for longer.
  if (out_->closed()) {
    Close(absl::CancelledError("the channel has ended"));
  }
  if (admitted || out_->closed()) {
    return Add(std::move(offered)) ? Outcome::kAdded : Outcome::kRejected;
  }
  switch (options_.policy) {
    case AdmissionPolicy::kQueue: {
      const uint64_t bytes = offered.message.readable_bytes();
      if (!FitsQueue(bytes)) break;
      queue_.push_back(std::move(offered));
      queued_bytes_ += bytes;
      ShowQueue();
      return Outcome::kQueued;
    }
    case AdmissionPolicy::kReject:
      break;
    case AdmissionPolicy::kClose:
      close_wanted_ = true;
      break;
  }
  return Reject(std::move(offered), Refusal());
}

bool Admission::Drain(size_t max_messages) {
  for (size_t i = 0; i < max_messages; ++i) {
    if (queue_.empty() || !out_->writable()) break;
    Waiting oldest = std::move(queue_.front());
    queue_.pop_front();
    queued_bytes_ -= oldest.message.readable_bytes();
    ShowQueue();
    Add(std::move(oldest));
  }
  return !queue_.empty() && out_->writable();
}

void Admission::Close(const absl::Status& status) {
  if (!closed_.ok()) return;
  closed_ =
      status.ok() ? absl::CancelledError("the channel is closed") : status;
  if (queue_.empty()) return;
  std::list<Waiting> failed = std::move(queue_);
  queue_.clear();
  queued_bytes_ = 0;
  ShowQueue();
  for (Waiting& waiting : failed) Reject(std::move(waiting), closed_);
}

bool Admission::Add(Waiting waiting) {
  if (out_->Add(std::move(waiting.message), std::move(waiting.done)) != 0) {
    return true;
  }
  out_->channel().CountRejected(options_.policy);
  return false;
}

bool Admission::FitsQueue(uint64_t bytes) const {
  if (queue_.empty()) return true;
  return queue_.size() < options_.max_messages &&
         queued_bytes_ <= options_.max_bytes &&
         bytes <= options_.max_bytes - queued_bytes_;
}

Admission::Outcome Admission::Reject(Waiting waiting,
                                     const absl::Status& status) {
  out_->channel().CountRejected(options_.policy);
  if (waiting.done) {
    std::move(waiting.done)(status, std::move(waiting.message));
  }
  return Outcome::kRejected;
}

absl::Status Admission::Refusal() const {
  if (options_.policy != AdmissionPolicy::kQueue) {
    return absl::ResourceExhaustedError("the channel is unwritable");
  }
  return absl::ResourceExhaustedError(absl::StrFormat(
      "the channel is unwritable and its queue is full: %d messages of %d "
      "bytes wait, at most %d and %d may",
      queue_.size(), queued_bytes_, options_.max_messages, options_.max_bytes));
}

void Admission::ShowQueue() {
  out_->channel().SetAdmissionQueue(queue_.size(), queued_bytes_);
}

}  // namespace poolscope
