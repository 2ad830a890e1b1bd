#include "poolscope/tests/allocator/buffer/buffer_model.h"

#include <algorithm>

namespace poolscope {

void BufferModel::Compact() {
  const Bytes readable_bytes = Slice(reader, readable());
  std::copy(readable_bytes.begin(), readable_bytes.end(), bytes.begin());
  reader = 0;
  writer = readable_bytes.size();
}

BufferModel BufferModel::Split(size_t offset) {
  BufferModel front = {Slice(0, offset), std::min(reader, offset),
                       std::min(writer, offset), read_only};
  bytes.erase(bytes.begin(), bytes.begin() + offset);
  reader = std::max(reader, offset) - offset;
  writer = std::max(writer, offset) - offset;
  return front;
}

void BufferModel::Join(const BufferModel& second) {
  if (second.bytes.empty()) return;
  BufferModel piece = second;
  const bool had_readable = readable() > 0;
  if (piece.readable() > 0) bytes.resize(writer);
  const bool had_room = writer < bytes.size();
  const size_t base = bytes.size();
  const bool keeps_read =
      piece.readable() > 0 ? !had_readable : !had_readable && !had_room;
  if (!keeps_read) {
    piece.bytes.erase(piece.bytes.begin(), piece.bytes.begin() + piece.reader);
    piece.writer -= piece.reader;
    piece.reader = 0;
  }
  bytes.insert(bytes.end(), piece.bytes.begin(), piece.bytes.end());
  if (keeps_read) reader = base + piece.reader;
  if (keeps_read || piece.readable() > 0) writer = base + piece.writer;
  if (base == 0) read_only = piece.read_only;
  if (bytes.empty()) *this = BufferModel();
}

}  // namespace poolscope
