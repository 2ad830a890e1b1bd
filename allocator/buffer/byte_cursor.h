// ByteCursor: goes through bytes of a buffer one by one, or eight at a time,
// from the first to the last or the reverse.
//
//   ByteCursor cursor = buffer.OpenCursor();
//   while (cursor.ReadU64()) destination.WriteU64(cursor.u64());
//   while (cursor.ReadByte()) destination.WriteU8(cursor.byte());
//
// It moves no offset of the buffer and borrows it while it lives (buffer.h).
// Bytes that are set meanwhile are seen.
//
// Thread safety: thread-compatible; several cursors may be on one buffer.
#ifndef POOLSCOPE_ALLOCATOR_BUFFER_BYTE_CURSOR_H_
#define POOLSCOPE_ALLOCATOR_BUFFER_BYTE_CURSOR_H_

#include <cstddef>
#include <cstdint>

#include "poolscope/allocator/buffer/borrow.h"
#include "poolscope/allocator/buffer/endian.h"

namespace poolscope {

class Buffer;

class ByteCursor final {
 public:
  // By Buffer::OpenCursor() and OpenReverseCursor(), which check the range.
  ByteCursor(const Buffer* buffer, buffer_internal::BorrowCount* borrows,
             size_t offset, size_t length, bool reverse)
      : borrow_(borrows),
        buffer_(buffer),
        offset_(reverse ? offset + length : offset),
        left_(length),
        reverse_(reverse) {}

  // Takes the next byte, or returns false at the end.
  bool ReadByte() {
    if (left_ == 0) return false;
    if (window_ == 0) FindPiece();
    byte_ = reverse_ ? *--next_ : *next_++;
    Advance(1);
    return true;
  }
  // What ReadByte() took last; 0 before it took any.
  uint8_t byte() const { return byte_; }

  // Takes the next eight bytes, or returns false when fewer are left. The first
  // that it takes is the most significant one of u64(), in either direction.
  bool ReadU64() {
    if (left_ < 8) return false;
    if (window_ == 0) FindPiece();
    if (window_ < 8) return ReadU64AcrossPieces();
    if (reverse_) {
      next_ -= 8;
      u64_ = LittleEndian<uint64_t>::Load(next_);
    } else {
      u64_ = BigEndian<uint64_t>::Load(next_);
      next_ += 8;
    }
    Advance(8);
    return true;
  }
  uint64_t u64() const { return u64_; }

  // Offset in the buffer: forward of the next byte, in reverse one behind it.
  size_t offset() const { return offset_; }
  size_t bytes_left() const { return left_; }

 private:
  void Advance(size_t size) {
    window_ -= size;
    left_ -= size;
    offset_ = reverse_ ? offset_ - size : offset_ + size;
  }
  // Makes the rest of the piece at offset_ the window.
  void FindPiece();
  bool ReadU64AcrossPieces();

  const buffer_internal::Borrow borrow_;
  const Buffer* const buffer_;
  const uint8_t* next_ = nullptr;
  size_t window_ = 0;  // bytes from next_ on, or before it, in its piece
  size_t offset_;
  size_t left_;
  uint64_t u64_ = 0;
  uint8_t byte_ = 0;
  const bool reverse_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_BUFFER_BYTE_CURSOR_H_
