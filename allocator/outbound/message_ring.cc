#include "poolscope/allocator/outbound/message_ring.h"

#include <algorithm>
#include <memory>

namespace poolscope {
namespace outbound_internal {
namespace {

constexpr size_t kFirstCapacity = 8;

// Ends `from`.
void Relocate(Entry* from, Entry* to) {
  new (to) Entry(std::move(*from));
  from->~Entry();
}

}  // namespace

MessageRing::~MessageRing() {
  while (size_ > 0) DropFront();
  if (slots_ != nullptr) std::allocator<Entry>().deallocate(slots_, capacity_);
}

size_t MessageRing::Find(uint64_t number) const {
  if (size_ == 0 || number < front().number) return size_;
  // Where it is unless the ring was squeezed; else it lies before that.
  const uint64_t distance = number - front().number;
  size_t last = size_ - 1;
  if (distance <= last) {
    last = static_cast<size_t>(distance);
    if (at(last).number == number) return at(last).is_hole() ? size_ : last;
  }
  size_t first = 0;
  while (first < last) {
    const size_t middle = first + (last - first) / 2;
    if (at(middle).number < number) {
      first = middle + 1;
    } else {
      last = middle;
    }
  }
  return at(first).number == number && !at(first).is_hole() ? first : size_;
}

void MessageRing::MakeHole(size_t index) {
  Entry& entry = at(index);
  entry.message.Close();
  entry.done = nullptr;
  ++holes_;
}

void MessageRing::MakeRoom() {
  if (holes_ > 0 && holes_ >= size_ / 2) {
    Squeeze();
  } else {
    Grow();
  }
}

void MessageRing::Squeeze() {
  size_t kept = 0;
  size_t kept_flushed = 0;
  for (size_t i = 0; i < size_; ++i) {
    Entry& entry = at(i);
    if (entry.is_hole()) {
      entry.~Entry();
      continue;
    }
    if (i < flushed_) ++kept_flushed;
    if (i != kept) Relocate(&entry, &at(kept));
    ++kept;
  }
  size_ = kept;
  flushed_ = kept_flushed;
  holes_ = 0;
}

void MessageRing::Grow() {
  const size_t capacity = std::max(kFirstCapacity, capacity_ * 2);
  Entry* const slots = std::allocator<Entry>().allocate(capacity);
  for (size_t i = 0; i < size_; ++i) {
    Relocate(&at(i), &slots[(head_ + i) & (capacity - 1)]);
  }
  if (slots_ != nullptr) std::allocator<Entry>().deallocate(slots_, capacity_);
  slots_ = slots;
  capacity_ = capacity;
  mask_ = capacity - 1;
}

}  // namespace outbound_internal
}  // namespace poolscope
