// MessageRing: the messages of an OutboundBuffer, in the order of their coming.
//
//   index   0       1       2       3       4
//        +-------+-------+-------+-------+-------+
//   <--- | seq 7 | seq 8 | seq 9 | hole  | seq 11|  <--- PushBack
//   Pop  +-------+-------+-------+-------+-------+
//        |<--- flushed() ------->|
//
// Each message has a number, larger than those before it, that finds it again.
// One that is taken out of the middle leaves a hole, so that the others stay
// where they are; the first entry is never one. A full ring is squeezed when
// half of its entries are holes, else it doubles: so it has at most four times
// as many entries as there were messages at once. It never shrinks.
//
// Owns its messages. Thread-compatible.
#ifndef POOLSCOPE_ALLOCATOR_OUTBOUND_MESSAGE_RING_H_
#define POOLSCOPE_ALLOCATOR_OUTBOUND_MESSAGE_RING_H_

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "absl/base/optimization.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "poolscope/allocator/buffer/buffer.h"

namespace poolscope {
namespace outbound_internal {

struct Entry {
  using Done = absl::AnyInvocable<void(const absl::Status&, Buffer) &&>;

  bool is_hole() const { return !message.is_open(); }

  Buffer message;
  Done done;
  uint64_t number;
  int64_t queued_at_nanos;
};

class MessageRing {
 public:
  MessageRing() = default;
  ~MessageRing();
  MessageRing(const MessageRing&) = delete;
  MessageRing& operator=(const MessageRing&) = delete;

  bool empty() const { return size_ == 0; }
  // Entries, holes included; and how many of them, from the first on, are
  // flushed.
  size_t size() const { return size_; }
  size_t flushed() const { return flushed_; }
  size_t holes() const { return holes_; }

  Entry& at(size_t index) { return slots_[(head_ + index) & mask_]; }
  const Entry& at(size_t index) const {
    return slots_[(head_ + index) & mask_];
  }
  Entry& front() { return at(0); }
  const Entry& front() const { return at(0); }

  // Returns the number of `message`, which is open; the first is 1.
  uint64_t PushBack(Buffer&& message, Entry::Done&& done,
                    int64_t queued_at_nanos) {
    if (ABSL_PREDICT_FALSE(size_ == capacity_)) MakeRoom();
    const uint64_t number = next_number_++;
    Entry* const entry = new (&at(size_))
        Entry{std::move(message), nullptr, number, queued_at_nanos};
    // Most have none: that spares a call through a pointer.
    if (done) entry->done = std::move(done);
    ++size_;
    return number;
  }
  // The number that the next message will have.
  uint64_t next_number() const { return next_number_; }

  void FlushAll() { flushed_ = size_; }

  // The index of a message; size() when it has ended.
  size_t Find(uint64_t number) const;
  // Ends an entry.
  void Remove(size_t index) {
    if (ABSL_PREDICT_TRUE(index == 0)) {
      PopFront();
    } else {
      MakeHole(index);
    }
  }

 private:
  // And the holes that come to the front by that.
  void PopFront() {
    DropFront();
    while (ABSL_PREDICT_FALSE(holes_ > 0) && size_ > 0 && front().is_hole()) {
      DropFront();
      --holes_;
    }
  }
  void MakeHole(size_t index);
  void DropFront() {
    front().~Entry();
    ++head_;
    --size_;
    if (flushed_ > 0) --flushed_;
  }
  // Squeezes or grows.
  void MakeRoom();
  void Squeeze();
  void Grow();

  Entry* slots_ = nullptr;
  size_t capacity_ = 0;  // a power of two, or none yet
  size_t mask_ = 0;      // capacity_ - 1
  // Of the first entry. Ever growing: `mask_` makes it an index of `slots_`.
  size_t head_ = 0;
  size_t size_ = 0;
  size_t flushed_ = 0;
  size_t holes_ = 0;
  uint64_t next_number_ = 1;
};

}  // namespace outbound_internal
}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_OUTBOUND_MESSAGE_RING_H_
