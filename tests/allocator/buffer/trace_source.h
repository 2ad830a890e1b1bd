// TraceSource: what a trace says, as the numbers that operations ask for.
//
// Thread-compatible. The trace must outlive it.
#ifndef POOLSCOPE_TESTS_ALLOCATOR_BUFFER_TRACE_SOURCE_H_
#define POOLSCOPE_TESTS_ALLOCATOR_BUFFER_TRACE_SOURCE_H_

#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"
#include "poolscope/tests/allocator/buffer/buffer_model.h"

namespace poolscope {

// Numbers from the trace; 0 when it has ended.
class TraceSource {
 public:
  explicit TraceSource(absl::Span<const uint8_t> trace) : rest_(trace) {}

  bool ended() const { return rest_.empty(); }
  uint8_t Byte() {
    if (rest_.empty()) return 0;
    const uint8_t byte = rest_.front();
    rest_.remove_prefix(1);
    return byte;
  }
  // 0 to `most`: a byte where that is enough, else two.
  size_t UpTo(size_t most) {
    size_t value = Byte();
    if (most > 255) value = value << 8 | Byte();
    return value % (most + 1);
  }
  uint64_t Number() {
    uint64_t value = 0;
    for (int i = 0; i < 8; ++i) value = value << 8 | Byte();
    return value;
  }
  // Few numbers of the trace make many bytes.
  Bytes Some(size_t size) {
    Bytes bytes(size);
    uint8_t next = Byte();
    for (uint8_t& byte : bytes) byte = next = next * 5 + 1;
    return bytes;
  }

 private:
  absl::Span<const uint8_t> rest_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_ALLOCATOR_BUFFER_TRACE_SOURCE_H_
