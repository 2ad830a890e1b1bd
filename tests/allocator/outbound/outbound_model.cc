#include "poolscope/tests/allocator/outbound/outbound_model.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace poolscope {

uint64_t OutboundModel::Add(ModelMessage message) {
  Waiting waiting;
  waiting.id = next_id_++;
  waiting.bytes = absl::StrJoin(message.pieces, "");
  waiting.message = std::move(message);
  waiting.added_nanos = limits_.clock->NowNanos();
  waiting.number = closed_ ? 0 : next_number_++;
  const uint64_t number = waiting.number;
  const size_t bytes = waiting.bytes.size();
  messages_.push_back(std::move(waiting));
  if (closed_) {
    End(std::prev(messages_.end()), closed_by_);
    return 0;
  }
  queued_bytes_ += bytes;
  CompareWritable();
  return number;
}

void OutboundModel::AddFlush() {
  for (Waiting& message : messages_) message.flushed = true;
}

bool OutboundModel::Cancel(uint64_t number) {
  for (auto i = messages_.begin(); i != messages_.end(); ++i) {
    if (i->number != number) continue;
    if (i->flushed) return false;
    Fail(i, OutboundFailure::kCancelled);
    return true;
  }
  return false;
}

OutboundModel::Written OutboundModel::Write(std::vector<ModelStep> script) {
  Wrote(0);
  size_t step = 0;
  for (int writes = 0; flushed_bytes() > 0; ++writes) {
    if (writes == limits_.max_writes) return Written::kTurn;
    const std::string offered = absl::StrJoin(Gather(), "");
    size_t taken = offered.size();
    if (step < script.size()) {
      if (script[step].fails) return Written::kError;
      taken = std::min(taken, script[step++].bytes);
    }
    if (taken == 0) return Written::kFull;
    received_ += offered.substr(0, taken);
    if (taken == offered.size()) {
      write_bytes_ = std::max(write_bytes_, 2 * taken);
    } else if (offered.size() > 4096 && taken < offered.size() / 2) {
      write_bytes_ = std::min(write_bytes_, offered.size() / 2);
    }
    Wrote(taken);
  }
  return flushed_size() > 0 ? Written::kTurn : Written::kAll;
}

void OutboundModel::RemoveBytes(size_t bytes) {
  size_t left = bytes;
  for (const Waiting& message : messages_) {
    const size_t here = std::min(left, message.bytes.size() - message.written);
    received_ += message.bytes.substr(message.written, here);
    left -= here;
  }
  Wrote(bytes);
}

void OutboundModel::Wrote(size_t bytes) {
  for (Waiting& message : messages_) {
    const size_t here = std::min(bytes, message.bytes.size() - message.written);
    message.written += here;
    bytes -= here;
  }
  const uint64_t end = next_number_;
  while (!messages_.empty()) {
    const auto first = messages_.begin();
    if (!first->flushed || first->number >= end ||
        first->written < first->bytes.size()) {
      break;
    }
    if (first->message.tells) {
      End(first, "ok");
      continue;
    }
    // Neighbours that nobody is told of end together.
    auto last = first;
    while (last != messages_.end() && last->flushed && last->number < end &&
           last->written == last->bytes.size() && !last->message.tells) {
      ++last;
    }
    messages_.erase(first, last);
    CompareWritable();
  }
}

std::vector<std::string> OutboundModel::Gather() const {
  std::vector<std::string> gathered;
  size_t bytes = 0;
  for (const Waiting& message : messages_) {
    if (!message.flushed) break;
    size_t skip = message.written;
    for (const std::string& piece : message.message.pieces) {
      if (piece.size() <= skip) {
        skip -= piece.size();
        continue;
      }
      const std::string rest = piece.substr(std::exchange(skip, 0));
      if (gathered.size() == limits_.max_iovecs ||
          (!gathered.empty() && bytes + rest.size() > write_bytes_)) {
        return gathered;
      }
      bytes += rest.size();
      gathered.push_back(rest);
    }
  }
  return gathered;
}

void OutboundModel::FailFlushed(OutboundFailure failure) {
  uint64_t end = 0;
  for (const Waiting& message : messages_) {
    if (message.flushed) end = message.number + 1;
  }
  while (!messages_.empty() && messages_.front().number < end) {
    Fail(messages_.begin(), failure);
  }
}

void OutboundModel::Close(OutboundFailure failure) {
  if (!closed_) closed_by_ = OutboundFailureName(failure);
  closed_ = true;
  while (!messages_.empty()) Fail(messages_.begin(), failure);
}

void OutboundModel::Fail(List::iterator message, OutboundFailure failure) {
  failed_bytes_[static_cast<int>(failure)] +=
      message->bytes.size() - message->written;
  End(message, OutboundFailureName(failure));
}

void OutboundModel::End(List::iterator message, const char* how) {
  const Waiting ended = std::move(*message);
  messages_.erase(message);
  if (!closed_) CompareWritable();
  if (!ended.message.tells) return;
  log_.push_back(absl::StrCat(ended.id, " ", how));
  switch (ended.message.then) {
    case Then::kNothing:
      break;
    case Then::kAdd:
    case Then::kAddAndFlush:
      Add(FollowUp(ended.id));
      if (ended.message.then == Then::kAddAndFlush) AddFlush();
      break;
    case Then::kCancelNewest:
      Cancel(newest());
      break;
  }
}

void OutboundModel::SetUserFlag(int index, bool on) {
  off_[index] = !on;
  CompareWritable();
}

void OutboundModel::CompareWritable() {
  if (pending_bytes() > limits_.watermarks.high_bytes) above_ = true;
  if (pending_bytes() < limits_.watermarks.low_bytes) above_ = false;
  if (closed_ || writable() == told_writable_) return;
  told_writable_ = writable();
  log_.push_back(absl::StrCat(told_writable_ ? "+ " : "- ", pending_bytes()));
}

bool OutboundModel::writable() const {
  return !closed_ && !above_ &&
         std::find(off_.begin(), off_.end(), true) == off_.end();
}

uint64_t OutboundModel::pending_bytes() const {
  uint64_t sum = 0;
  for (const Waiting& message : messages_) sum += message.bytes.size() + 96;
  return sum;
}

uint64_t OutboundModel::unwritten_bytes() const {
  uint64_t sum = 0;
  for (const Waiting& message : messages_) {
    sum += message.bytes.size() - message.written;
  }
  return sum;
}

uint64_t OutboundModel::flushed_bytes() const {
  uint64_t sum = 0;
  for (const Waiting& message : messages_) {
    if (message.flushed) sum += message.bytes.size() - message.written;
  }
  return sum;
}

size_t OutboundModel::flushed_size() const {
  return std::count_if(messages_.begin(), messages_.end(),
                       [](const Waiting& message) { return message.flushed; });
}

uint64_t OutboundModel::newest() const {
  return messages_.empty() ? 0 : messages_.back().number;
}

int64_t OutboundModel::oldest_nanos() const {
  return messages_.empty() ? 0 : messages_.front().added_nanos;
}

}  // namespace poolscope
