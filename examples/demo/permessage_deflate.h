// MessageDeflater, MessageInflater: the two halves of permessage-deflate
// (RFC 7692, section 7.2).
//
//   message --> raw DEFLATE, ended by a sync flush --> less its last 4 bytes
//
// zlib's state is made with the first message and not before: about 256 KiB for
// a deflater with the whole window, 40 KiB for an inflater. Then it stays for
// the life of the object, as context takeover wants it; without takeover it
// goes after each message. It is malloc's, of whichever thread happens to
// handle that first message.
//
//   MessageDeflater deflater(15, /*takes_over=*/true, &zlib_memory);
//   absl::StatusOr<Buffer> small = deflater.Deflate(bytes, allocator);
//
// Both are used by one thread at a time: thread-compatible. The category
// outlives them.
#ifndef POOLSCOPE_EXAMPLES_DEMO_PERMESSAGE_DEFLATE_H_
#define POOLSCOPE_EXAMPLES_DEMO_PERMESSAGE_DEFLATE_H_

#include <zlib.h>

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "poolscope/allocator/buffer/buffer.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/metrics/native_memory/native_memory_category.h"

namespace poolscope::demo {

class MessageDeflater {
 public:
  // `window_bits` is 9 to 15.
  MessageDeflater(int window_bits, bool takes_over,
                  NativeMemoryCategory* zlib_memory)
      : window_bits_(window_bits),
        takes_over_(takes_over),
        zlib_memory_(zlib_memory) {}
  ~MessageDeflater() { End(); }
  MessageDeflater(const MessageDeflater&) = delete;
  MessageDeflater& operator=(const MessageDeflater&) = delete;

  // The compressed form of a message that is not empty: an empty one is sent as
  // it is. ResourceExhaustedError when the pool or malloc has no memory; the
  // stream is then broken, and so is the connection.
  absl::StatusOr<Buffer> Deflate(absl::Span<const uint8_t> message,
                                 BufferAllocator& allocator);

  bool has_state() const { return has_state_; }

 private:
  void End();

  const int window_bits_;
  const bool takes_over_;
  NativeMemoryCategory* const zlib_memory_;
  bool has_state_ = false;
  z_stream stream_{};
};

class MessageInflater {
 public:
  MessageInflater(bool takes_over, NativeMemoryCategory* zlib_memory)
      : takes_over_(takes_over), zlib_memory_(zlib_memory) {}
  ~MessageInflater() { End(); }
  MessageInflater(const MessageInflater&) = delete;
  MessageInflater& operator=(const MessageInflater&) = delete;

  // The message whose compressed form this is. InvalidArgumentError when it is
  // none, OutOfRangeError when the message is longer than `max_bytes` (at most
  // one byte more is ever inflated), ResourceExhaustedError as above. After an
  // error the stream is broken.
  absl::StatusOr<Buffer> Inflate(absl::Span<const uint8_t> compressed,
                                 size_t max_bytes, BufferAllocator& allocator);

  bool has_state() const { return has_state_; }

 private:
  absl::Status InflatePart(absl::Span<const uint8_t> part, size_t max_bytes,
                           Buffer* message);
  void End();

  const bool takes_over_;
  NativeMemoryCategory* const zlib_memory_;
  bool has_state_ = false;
  z_stream stream_{};
};

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_PERMESSAGE_DEFLATE_H_
