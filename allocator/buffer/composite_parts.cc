#include "poolscope/allocator/buffer/composite_parts.h"

#include <algorithm>
#include <utility>

namespace poolscope {
namespace buffer_internal {

CompositeParts::~CompositeParts() {
  parts_.clear();
  core_->Unref();
}

size_t CompositeParts::Find(size_t offset) const {
  return std::upper_bound(ends_.begin(), ends_.end(), offset) - ends_.begin();
}

void CompositeParts::Append(Buffer part) {
  if (part.capacity() == 0) return;
  ends_.push_back(capacity() + part.capacity());
  parts_.push_back(std::move(part));
}

void CompositeParts::MakeReadOnly() {
  for (Buffer& part : parts_) part.MakeReadOnly();
}

std::unique_ptr<CompositeParts> CompositeParts::Split(size_t offset) {
  auto head = std::make_unique<CompositeParts>(core_);
  const size_t whole = Find(offset);
  for (size_t i = 0; i < whole; ++i) head->Append(std::move(parts_[i]));
  if (whole < count() && begin(whole) < offset) {
    head->Append(parts_[whole].Split(offset - begin(whole)));
  }
  parts_.erase(parts_.begin(), parts_.begin() + whole);
  CountEnds(0);
  return head;
}

void CompositeParts::Truncate(size_t offset) {
  size_t kept = Find(offset);
  if (kept < count() && begin(kept) < offset) {
    parts_[kept] = parts_[kept].Split(offset - begin(kept));
    ++kept;
  }
  parts_.erase(parts_.begin() + kept, parts_.end());
  CountEnds(kept == 0 ? 0 : kept - 1);
}

void CompositeParts::Replace(size_t first, size_t last, Buffer merged) {
  parts_[first] = std::move(merged);
  parts_.erase(parts_.begin() + first + 1, parts_.begin() + last);
  CountEnds(first);
}

std::vector<Buffer> CompositeParts::Release(size_t reader, size_t writer) {
  for (size_t i = 0; i < count(); ++i) {
    parts_[i].AdoptOffsets(std::clamp(reader, begin(i), end(i)) - begin(i),
                           std::clamp(writer, begin(i), end(i)) - begin(i));
  }
  ends_.clear();
  return std::exchange(parts_, {});
}

void CompositeParts::CountEnds(size_t first) {
  ends_.resize(count());
  for (size_t i = first; i < count(); ++i) {
    ends_[i] = begin(i) + parts_[i].capacity();
  }
}

}  // namespace buffer_internal
}  // namespace poolscope
