// CompositeParts: the buffers that a composite buffer is made of, in order.
//
//   offset   0        3              8      10 = capacity()
//            | part 0 |    part 1    | part 2 |
//   end(i)            3              8       10
//
// Each part has a piece of memory of its own and at least one byte; all are
// read-only or none is. Their own offsets mean nothing while they are parts:
// the composite buffer's hold.
//
// Owned by one composite buffer; owns the parts and a reference to the
// allocator.
//
// Thread safety: thread-compatible.
#ifndef POOLSCOPE_ALLOCATOR_BUFFER_COMPOSITE_PARTS_H_
#define POOLSCOPE_ALLOCATOR_BUFFER_COMPOSITE_PARTS_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "poolscope/allocator/buffer/allocator_core.h"
#include "poolscope/allocator/buffer/buffer.h"

namespace poolscope {
namespace buffer_internal {

class CompositeParts {
 public:
  explicit CompositeParts(AllocatorCore* core) : core_(core) { core_->Ref(); }
  ~CompositeParts();
  CompositeParts(const CompositeParts&) = delete;
  CompositeParts& operator=(const CompositeParts&) = delete;

  size_t count() const { return parts_.size(); }
  size_t capacity() const { return ends_.empty() ? 0 : ends_.back(); }
  const Buffer& part(size_t i) const { return parts_[i]; }
  size_t begin(size_t i) const { return i == 0 ? 0 : ends_[i - 1]; }
  size_t end(size_t i) const { return ends_[i]; }

  // The part that holds the byte at `offset`; count() for the capacity.
  size_t Find(size_t offset) const;

  // Adds `part`, of one piece; none when it has no bytes.
  void Append(Buffer part);
  void MakeReadOnly();

  // Takes [0, offset) out; a part across the offset is split.
  std::unique_ptr<CompositeParts> Split(size_t offset);
  // Ends what is from `offset` on.
  void Truncate(size_t offset);
  // Puts `merged` in the place of the parts [first, last).
  void Replace(size_t first, size_t last, Buffer merged);
  // Takes all parts out, each with the offsets that are its share of these.
  std::vector<Buffer> Release(size_t reader, size_t writer);

 private:
  void CountEnds(size_t first);

  AllocatorCore* const core_;
  std::vector<Buffer> parts_;
  std::vector<size_t> ends_;  // of each part, growing
};

}  // namespace buffer_internal
}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_BUFFER_COMPOSITE_PARTS_H_
