// CompositeBuffer: a buffer that is made of others, without copying them.
//
//    first               second                  composite of both
//   +----+-----+----+   +----+------+-----+     +----+-----:------+-----+
//   |read| 111 |free|   |read| 2222 |free |     |read| 111 : 2222 |free |
//   +----+-----+----+   +----+------+-----+     +----+-----:------+-----+
//
//   absl::StatusOr<CompositeBuffer> message = allocator->Compose(head, body);
//
// It is a Buffer and behaves as one; what it can do besides is here. It owns
// its components, and hides what would be a gap: what is writable before the
// last readable byte, and what was read after the first. A component that is
// composite itself gives its own components; one without bytes is dropped.
//
// Components are all read-only or all writable; a composite of none becomes
// what its first is. They may be of any allocator: the composite's own gives
// the memory when it grows, which adds a component.
//
// A CompositeBuffer may be moved into a Buffer and, by the constructor, back.
// One that was assigned a buffer of another kind through a Buffer& must not be
// used as composite.
//
// Every access finds its component by binary search.
//
// Thread safety: as Buffer.
#ifndef POOLSCOPE_ALLOCATOR_BUFFER_COMPOSITE_BUFFER_H_
#define POOLSCOPE_ALLOCATOR_BUFFER_COMPOSITE_BUFFER_H_

#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "poolscope/allocator/buffer/buffer.h"
#include "poolscope/allocator/buffer/sent_buffer.h"

namespace poolscope {

class CompositeBuffer final : public Buffer {
 public:
  CompositeBuffer() = default;  // empty
  // Fatal unless `buffer` is composite.
  explicit CompositeBuffer(Buffer buffer);

  // By BufferAllocator::Compose().
  static absl::StatusOr<CompositeBuffer> Compose(
      buffer_internal::AllocatorCore* core, std::vector<Buffer> components);

  // Adds `extension` as if it had been composed last. InvalidArgumentError when
  // one is read-only and the other is not; `extension` is closed then.
  absl::Status ExtendWith(Buffer extension);
  absl::Status ExtendWith(SentBuffer extension);

  // As Split(), at the last boundary of components that is not above `offset`,
  // or the first that is not below it. Fatal above the capacity.
  CompositeBuffer SplitComponentsFloor(size_t offset);
  CompositeBuffer SplitComponentsCeil(size_t offset);

  // The components, each with its share of the offsets; this is closed.
  std::vector<Buffer> Decompose();

  // One buffer of one piece, with the same bytes and offsets; this is closed.
  // Errors as Buffer::EnsureWritable(); nothing has changed then.
  absl::StatusOr<Buffer> Flatten();

  // Makes one component of the first neighbours that together have at most
  // `max_bytes`; true when there are more such, so that
  //
  //   while (true) {
  //     absl::StatusOr<bool> more = message.Consolidate(1 << 20);
  //     if (!more.ok() || !*more) break;
  //   }
  //
  // copies each byte once and needs no more than 1 MiB at a time. Errors as
  // Flatten().
  absl::StatusOr<bool> Consolidate(size_t max_bytes);

 private:
  void CheckComposite(const char* operation) const;
  // Adds a buffer of one piece.
  void Append(Buffer piece);
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_BUFFER_COMPOSITE_BUFFER_H_
