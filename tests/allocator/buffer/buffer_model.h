// BufferModel: what a buffer is to somebody who only reads buffer.h: bytes, two
// offsets and a flag. Traces compare real buffers with it.
//
// A plain value.
#ifndef POOLSCOPE_TESTS_ALLOCATOR_BUFFER_BUFFER_MODEL_H_
#define POOLSCOPE_TESTS_ALLOCATOR_BUFFER_BUFFER_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace poolscope {

using Bytes = std::vector<uint8_t>;

struct BufferModel {
  Bytes bytes;
  size_t reader = 0;
  size_t writer = 0;
  bool read_only = false;

  size_t readable() const { return writer - reader; }
  size_t writable() const { return read_only ? 0 : bytes.size() - writer; }
  Bytes Slice(size_t offset, size_t size) const {
    return Bytes(bytes.begin() + offset, bytes.begin() + offset + size);
  }

  // Moves the readable bytes to the beginning. What lies behind them is not
  // defined.
  void Compact();

  // Gives [0, offset) away.
  BufferModel Split(size_t offset);

  // Becomes the composition of itself and `second`: the bytes of both without
  // the gaps between their readable ones. Where both have none to read, what is
  // read ends where the first has room.
  void Join(const BufferModel& second);
};

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_ALLOCATOR_BUFFER_BUFFER_MODEL_H_
