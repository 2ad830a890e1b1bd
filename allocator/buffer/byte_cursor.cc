#include "poolscope/allocator/buffer/byte_cursor.h"

#include <algorithm>

#include "poolscope/allocator/buffer/buffer.h"

namespace poolscope {

void ByteCursor::FindPiece() {
  const absl::Span<const uint8_t> piece =
      reverse_ ? buffer_->ContiguousBefore(offset_)
               : buffer_->Contiguous(offset_);
  next_ = reverse_ ? piece.data() + piece.size() : piece.data();
  window_ = std::min(piece.size(), left_);
}

bool ByteCursor::ReadU64AcrossPieces() {
  const uint8_t last = byte_;
  uint64_t value = 0;
  for (int i = 0; i < 8; ++i) {
    ReadByte();
    value = value << 8 | byte_;
  }
  u64_ = value;
  byte_ = last;
  return true;
}

}  // namespace poolscope
