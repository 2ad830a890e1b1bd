#include "poolscope/allocator/buffer/composite_buffer.h"

#include <memory>
#include <utility>

#include "poolscope/allocator/base/fatal.h"
#include "poolscope/allocator/buffer/composite_parts.h"

namespace poolscope {

using buffer_internal::AllocatorCore;
using buffer_internal::CompositeParts;

namespace {

// The parts [first, last), at least two, that Consolidate() merges next; none
// when first == last.
struct Run {
  size_t first = 0;
  size_t last = 0;
};

Run FindRun(const CompositeParts& parts, size_t max_bytes) {
  for (size_t first = 0; first + 1 < parts.count(); ++first) {
    size_t last = first;
    while (last < parts.count() &&
           parts.end(last) - parts.begin(first) <= max_bytes) {
      ++last;
    }
    if (last - first >= 2) return {first, last};
  }
  return {};
}

}  // namespace

CompositeBuffer::CompositeBuffer(Buffer buffer) : Buffer(std::move(buffer)) {
  CheckComposite("CompositeBuffer");
}

absl::StatusOr<CompositeBuffer> CompositeBuffer::Compose(
    AllocatorCore* core, std::vector<Buffer> components) {
  CompositeBuffer composite(
      Buffer(core, std::make_unique<CompositeParts>(core), 0, 0));
  for (Buffer& component : components) {
    absl::Status status = composite.ExtendWith(std::move(component));
    if (!status.ok()) return status;
  }
  return composite;
}

void CompositeBuffer::CheckComposite(const char* operation) const {
  CheckOpen(operation);
  if (!is_composite()) {
    Fatal("%s of buffer %p, which is not composite", operation,
          static_cast<const void*>(this));
  }
}

absl::Status CompositeBuffer::ExtendWith(SentBuffer extension) {
  return ExtendWith(extension.Receive());
}

absl::Status CompositeBuffer::ExtendWith(Buffer extension) {
  CheckComposite("ExtendWith");
  CheckSole("ExtendWith");
  if (!extension.is_open()) {
    Fatal("ExtendWith of buffer %p by one that is not open",
          static_cast<void*>(this));
  }
  if (extension.capacity() == 0) return absl::OkStatus();
  if (capacity() > 0 && extension.read_only() != read_only()) {
    return absl::InvalidArgumentError(
        "a composite buffer has components that are all read-only or all "
        "writable, not both");
  }
  if (extension.readable_bytes() > 0) {
    // Room before readable bytes would be a gap.
    parts()->Truncate(writer_offset());
    AdoptParts(reader_offset(), writer_offset());
  }
  if (extension.is_composite()) {
    for (Buffer& piece : CompositeBuffer(std::move(extension)).Decompose()) {
      Append(std::move(piece));
    }
  } else {
    Append(std::move(extension));
  }
  return absl::OkStatus();
}

void CompositeBuffer::Append(Buffer piece) {
  size_t reader = reader_offset();
  size_t writer = writer_offset();
  const bool has_readable = reader < writer;
  const bool piece_has_readable = piece.readable_bytes() > 0;
  const bool has_room = writer < parts()->capacity();
  if (piece_has_readable ? has_readable : has_readable || has_room) {
    // What was read of the piece would be a gap.
    if (piece.reader_offset() > 0) piece.Split(piece.reader_offset()).Close();
  } else {
    // All before is read, and so the beginning of the piece may stay.
    reader = parts()->capacity() + piece.reader_offset();
  }
  if (piece_has_readable || (!has_readable && !has_room)) {
    writer = parts()->capacity() + piece.writer_offset();
  }
  parts()->Append(std::move(piece));
  AdoptParts(reader, writer);
}

CompositeBuffer CompositeBuffer::SplitComponentsFloor(size_t offset) {
  CheckComposite("SplitComponentsFloor");
  CheckRange("SplitComponentsFloor", offset, 0);
  const size_t part = parts()->Find(offset);
  return CompositeBuffer(Split(part == 0 ? 0 : parts()->begin(part)));
}

CompositeBuffer CompositeBuffer::SplitComponentsCeil(size_t offset) {
  CheckComposite("SplitComponentsCeil");
  CheckRange("SplitComponentsCeil", offset, 0);
  return CompositeBuffer(
      Split(offset == 0 ? 0 : parts()->end(parts()->Find(offset - 1))));
}

std::vector<Buffer> CompositeBuffer::Decompose() {
  CheckComposite("Decompose");
  CheckSole("Decompose");
  std::vector<Buffer> components =
      parts()->Release(reader_offset(), writer_offset());
  Close();
  return components;
}

absl::StatusOr<Buffer> CompositeBuffer::Flatten() {
  CheckComposite("Flatten");
  CheckSole("Flatten");
  absl::StatusOr<Buffer> flat = Copy(0, capacity());
  if (!flat.ok()) return flat.status();
  flat->AdoptOffsets(reader_offset(), writer_offset());
  if (read_only()) flat->MakeReadOnly();
  Close();
  return flat;
}

absl::StatusOr<bool> CompositeBuffer::Consolidate(size_t max_bytes) {
  CheckComposite("Consolidate");
  CheckSole("Consolidate");
  const Run run = FindRun(*parts(), max_bytes);
  if (run.first == run.last) return false;
  const size_t begin = parts()->begin(run.first);
  absl::StatusOr<Buffer> merged =
      Copy(begin, parts()->end(run.last - 1) - begin);
  if (!merged.ok()) return merged.status();
  if (read_only()) merged->MakeReadOnly();
  parts()->Replace(run.first, run.last, *std::move(merged));
  const Run next = FindRun(*parts(), max_bytes);
  return next.first != next.last;
}

}  // namespace poolscope
