// The part of Buffer that reads and writes bytes in bulk and shows pieces.
#include <algorithm>
#include <cstring>
#include <utility>

#include "poolscope/allocator/buffer/buffer.h"
#include "poolscope/allocator/buffer/byte_cursor.h"
#include "poolscope/allocator/buffer/composite_parts.h"

namespace poolscope {

using buffer_internal::Borrow;
using buffer_internal::CompositeParts;

namespace {

absl::Span<const uint8_t> BytesOf(absl::string_view text) {
  return absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(text.data()),
                             text.size());
}

}  // namespace

// `f` returns whether to go on.
template <typename F>
void Buffer::ForEachPiece(size_t offset, size_t size, F&& f) const {
  if (size == 0) return;
  if (!is_composite()) {
    f(data_ + offset, size);
    return;
  }
  const CompositeParts& all = *parts();
  for (size_t i = all.Find(offset); size > 0; ++i) {
    const size_t piece = std::min(size, all.end(i) - offset);
    if (!f(all.part(i).data_ + (offset - all.begin(i)), piece)) return;
    offset += piece;
    size -= piece;
  }
}

void Buffer::GetBytes(size_t offset, absl::Span<uint8_t> destination) const {
  CheckRange("Get", offset, destination.size());
  uint8_t* to = destination.data();
  ForEachPiece(offset, destination.size(), [&](uint8_t* piece, size_t size) {
    std::memcpy(to, piece, size);
    to += size;
    return true;
  });
}

void Buffer::SetBytes(size_t offset, absl::Span<const uint8_t> source) {
  CheckWritable("Set");
  CheckRange("Set", offset, source.size());
  const uint8_t* from = source.data();
  ForEachPiece(offset, source.size(), [&](uint8_t* piece, size_t size) {
    std::memcpy(piece, from, size);
    from += size;
    return true;
  });
}

void Buffer::SetBytes(size_t offset, absl::string_view source) {
  SetBytes(offset, BytesOf(source));
}

void Buffer::ReadBytes(absl::Span<uint8_t> destination) {
  CheckOpen("Read");
  if (destination.size() > readable_bytes()) {
    DieOutOfBounds("Read", reader_, destination.size());
  }
  GetBytes(reader_, destination);
  reader_ += destination.size();
}

std::string Buffer::ReadString(size_t size) {
  CheckOpen("ReadString");
  if (size > readable_bytes()) DieOutOfBounds("ReadString", reader_, size);
  std::string text(size, '\0');
  ReadBytes(absl::MakeSpan(reinterpret_cast<uint8_t*>(&text[0]), size));
  return text;
}

void Buffer::WriteBytes(absl::Span<const uint8_t> source) {
  MakeRoom(source.size());
  SetBytes(writer_, source);
  writer_ += source.size();
}

void Buffer::WriteBytes(absl::string_view source) {
  WriteBytes(BytesOf(source));
}

void Buffer::CopyInto(size_t offset, Buffer* destination,
                      size_t destination_offset, size_t length) const {
  CheckRange("CopyInto", offset, length);
  destination->CheckWritable("CopyInto");
  destination->CheckRange("CopyInto", destination_offset, length);
  if (destination != this) {
    ForEachPiece(offset, length, [&](const uint8_t* piece, size_t size) {
      destination->SetBytes(destination_offset,
                            absl::MakeConstSpan(piece, size));
      destination_offset += size;
      return true;
    });
    return;
  }
  if (!is_composite()) {
    if (length > 0) {
      std::memmove(data_ + destination_offset, data_ + offset, length);
    }
    return;
  }
  // In steps, each read whole before it is written, from the end that the
  // destination does not reach first.
  uint8_t step[4096];
  const bool forward = destination_offset < offset;
  for (size_t done = 0; done < length;) {
    const size_t size = std::min(sizeof(step), length - done);
    const size_t at = forward ? done : length - done - size;
    GetBytes(offset + at, absl::MakeSpan(step, size));
    destination->SetBytes(destination_offset + at,
                          absl::MakeConstSpan(step, size));
    done += size;
  }
}

void Buffer::Fill(uint8_t value) {
  CheckWritable("Fill");
  ForEachPiece(0, capacity_, [&](uint8_t* piece, size_t size) {
    std::memset(piece, value, size);
    return true;
  });
}

// ------------------------------------------------------------------ search

std::optional<size_t> Buffer::BytesBefore(uint8_t needle) const {
  return BytesBefore(absl::MakeConstSpan(&needle, 1));
}

std::optional<size_t> Buffer::BytesBefore(absl::string_view needle) const {
  return BytesBefore(BytesOf(needle));
}

std::optional<size_t> Buffer::BytesBefore(
    absl::Span<const uint8_t> needle) const {
  CheckOpen("BytesBefore");
  if (needle.empty()) return 0;
  if (needle.size() > readable_bytes()) return std::nullopt;
  // Every place where the first byte is and the rest has room.
  const size_t places = readable_bytes() - needle.size() + 1;
  std::optional<size_t> found;
  size_t passed = 0;
  ForEachPiece(reader_, places, [&](const uint8_t* piece, size_t size) {
    const uint8_t* from = piece;
    const uint8_t* const end = piece + size;
    while (from < end) {
      from = static_cast<const uint8_t*>(
          std::memchr(from, needle.front(), end - from));
      if (from == nullptr) break;
      const size_t before = passed + (from - piece);
      if (MatchesAt(reader_ + before, needle)) {
        found = before;
        return false;
      }
      ++from;
    }
    passed += size;
    return true;
  });
  return found;
}

bool Buffer::MatchesAt(size_t offset, absl::Span<const uint8_t> needle) const {
  bool matches = true;
  const uint8_t* rest = needle.data();
  ForEachPiece(offset, needle.size(), [&](const uint8_t* piece, size_t size) {
    matches = std::memcmp(piece, rest, size) == 0;
    rest += size;
    return matches;
  });
  return matches;
}

// ------------------------------------------------------------------ pieces

int Buffer::Visit(size_t offset, size_t size,
                  absl::FunctionRef<bool(absl::Span<uint8_t>)> visit) const {
  const Borrow borrow(&borrows_);
  int count = 0;
  bool stopped = false;
  ForEachPiece(offset, size, [&](uint8_t* piece, size_t length) {
    ++count;
    stopped = !visit(absl::MakeSpan(piece, length));
    return !stopped;
  });
  return stopped ? -count : count;
}

int Buffer::ForEachReadable(
    absl::FunctionRef<bool(absl::Span<const uint8_t>)> visit) const {
  CheckOpen("ForEachReadable");
  return Visit(reader_, readable_bytes(),
               [&](absl::Span<uint8_t> piece) { return visit(piece); });
}

int Buffer::ForEachWritable(
    absl::FunctionRef<bool(absl::Span<uint8_t>)> visit) {
  CheckOpen("ForEachWritable");
  return Visit(writer_, writable_bytes(), visit);
}

namespace {

// A visit that fills `pieces` and counts them.
auto Filler(absl::Span<iovec> pieces, size_t* count) {
  return [pieces, count](uint8_t* piece, size_t size) {
    if (*count == pieces.size()) return false;
    pieces[(*count)++] = {piece, size};
    return true;
  };
}

}  // namespace

size_t Buffer::ReadableIovecs(absl::Span<iovec> pieces) const {
  CheckOpen("ReadableIovecs");
  size_t count = 0;
  ForEachPiece(reader_, readable_bytes(), Filler(pieces, &count));
  return count;
}

size_t Buffer::WritableIovecs(absl::Span<iovec> pieces) {
  CheckOpen("WritableIovecs");
  size_t count = 0;
  ForEachPiece(writer_, writable_bytes(), Filler(pieces, &count));
  return count;
}

absl::Span<const uint8_t> Buffer::Contiguous(size_t offset) const {
  CheckRange("Contiguous", offset, 0);
  absl::Span<const uint8_t> first;
  ForEachPiece(offset, capacity_ - offset, [&](uint8_t* piece, size_t size) {
    first = absl::MakeConstSpan(piece, size);
    return false;
  });
  return first;
}

absl::Span<uint8_t> Buffer::MutableContiguous(size_t offset) {
  CheckWritable("MutableContiguous");
  const absl::Span<const uint8_t> bytes = Contiguous(offset);
  return absl::MakeSpan(const_cast<uint8_t*>(bytes.data()), bytes.size());
}

absl::Span<const uint8_t> Buffer::ContiguousBefore(size_t offset) const {
  CheckRange("ContiguousBefore", offset, 0);
  if (offset == 0) return {};
  if (!is_composite()) return absl::MakeConstSpan(data_, offset);
  const CompositeParts& all = *parts();
  const size_t part = all.Find(offset - 1);
  return absl::MakeConstSpan(all.part(part).data_, offset - all.begin(part));
}

size_t Buffer::CountComponents() const {
  CheckOpen("CountComponents");
  return is_composite() ? parts()->count() : 1;
}

size_t Buffer::CountReadableComponents() const {
  return ForEachReadable([](absl::Span<const uint8_t>) { return true; });
}

size_t Buffer::CountWritableComponents() const {
  CheckOpen("CountWritableComponents");
  return Visit(writer_, writable_bytes(),
               [](absl::Span<uint8_t>) { return true; });
}

// ----------------------------------------------------------------- cursors

ByteCursor Buffer::OpenCursor() const {
  CheckOpen("OpenCursor");
  return OpenCursor(reader_, readable_bytes());
}

ByteCursor Buffer::OpenCursor(size_t offset, size_t length) const {
  CheckRange("OpenCursor", offset, length);
  return ByteCursor(this, &borrows_, offset, length, /*reverse=*/false);
}

ByteCursor Buffer::OpenReverseCursor() const {
  CheckOpen("OpenReverseCursor");
  return OpenReverseCursor(reader_, readable_bytes());
}

ByteCursor Buffer::OpenReverseCursor(size_t offset, size_t length) const {
  CheckRange("OpenReverseCursor", offset, length);
  return ByteCursor(this, &borrows_, offset, length, /*reverse=*/true);
}

}  // namespace poolscope
