#include "poolscope/allocator/buffer/sent_buffer.h"

#include <utility>

#include "poolscope/allocator/base/fatal.h"

namespace poolscope {

SentBuffer::SentBuffer(Buffer contents)
    : contents_(std::move(contents)), state_(State::kPending) {}

SentBuffer::SentBuffer(SentBuffer&& other) noexcept
    : state_(other.Leave(State::kEmpty)) {
  contents_ = std::move(other.contents_);
}

SentBuffer& SentBuffer::operator=(SentBuffer&& other) noexcept {
  if (this == &other) return *this;
  Drop();
  state_.store(other.Leave(State::kEmpty), std::memory_order_relaxed);
  contents_ = std::move(other.contents_);
  return *this;
}

SentBuffer::~SentBuffer() { Drop(); }

Buffer SentBuffer::Receive() {
  switch (Leave(State::kReceived)) {
    case State::kPending:
      return std::move(contents_);
    case State::kReceived:
      Fatal("Receive of sent buffer %p, which was received already",
            static_cast<void*>(this));
    case State::kDiscarded:
      Fatal("Receive of sent buffer %p, which was discarded",
            static_cast<void*>(this));
    case State::kEmpty:
      break;
  }
  Fatal("Receive of sent buffer %p, which is empty: moved from or never set",
        static_cast<void*>(this));
}

void SentBuffer::Discard() {
  if (Leave(State::kDiscarded) == State::kPending) contents_.Close();
}

void SentBuffer::Drop() {
  if (Leave(State::kDiscarded) != State::kPending) return;
  contents_.ReportDropped();
  contents_.Close();
}

SentBuffer::State SentBuffer::Leave(State state) {
  State expected = State::kPending;
  state_.compare_exchange_strong(expected, state, std::memory_order_acq_rel);
  return expected;
}

}  // namespace poolscope
